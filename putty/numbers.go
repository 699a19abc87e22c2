package putty

import (
	"strconv"
	"strings"
	"sync"
)

// numberNames are the settings that the registry has as REG_DWORD, and where
// PuTTY takes a text for none: a file doesn't tell them apart (PuTTY 0.84,
// conf.h and settings.c).
const numberNames = `
Present PortNumber UserNameFromEnvironment AddressFamily CloseOnExit WarnOnClose
PingInterval PingIntervalSecs TCPNoDelay TCPKeepalives
ProxyMethod ProxyType ProxySOCKSVersion ProxyPort ProxyDNS ProxyLocalhost ProxyLogToTerm
NoPTY SshNoShell Compression SshProt ConnectionSharing ConnectionSharingUpstream ConnectionSharingDownstream
SshNoAuth SshNoTrivialAuth SshBanner TryAgent AgentFwd ChangeUsername AuthTIS AuthKI
AuthGSSAPI AuthGSSAPIKEX GssapiFwd GssapiRekey PreferKnownHostKeys SSH2DES RekeyTime
LocalPortAcceptAll RemotePortAcceptAll X11Forward X11AuthType
BugIgnore1 BugPlainPW1 BugRSA1 BugIgnore2 BugDeriveKey2 BugRSAPad2 BugPKSessID2 BugRekey2 BugMaxPkt2 BugOldGex2
BugWinadj BugChanReq BugRSASHA2CertUserauth BugHMAC2 BugDropStart BugFilterKexinit BuggyMAC BugDHGEx2
RFCEnviron PassiveTelnet TelnetKey TelnetRet SUPDUPCharset SUPDUPMoreProcessing SUPDUPScrolling
SerialSpeed SerialDataBits SerialStopHalfbits SerialParity SerialFlowControl
LogType LogFileClash LogFlush LogHeader SSHLogOmitPasswords SSHLogOmitData
BackspaceIsDelete RXVTHomeEnd LinuxFunctionKeys ShiftedArrowKeys ApplicationCursorKeys ApplicationKeypad NetHackKeypad
AltF4 AltSpace AltOnly ComposeKey CtrlAltKeys
NoApplicationCursors NoApplicationKeys NoMouseReporting NoRemoteResize NoAltScreen NoRemoteWinTitle NoRemoteClearScroll
NoDBackspace NoRemoteCharset DisableArabicShaping DisableBidi DisableBracketedPaste RemoteQTitleAction NoRemoteQTitle
DECOriginMode AutoWrapMode LFImpliesCR CRImpliesLF BCE BlinkText LocalEcho LocalEdit
Beep BeepInd BellOverload BellOverloadN BellOverloadT BellOverloadS
TermWidth TermHeight ScrollbackLines ScrollBar ScrollBarFullScreen ScrollOnKey ScrollOnDisp EraseToScrollback LockSize
AlwaysOnTop FullScreenOnAltEnter HideMousePtr SunkenEdge WindowBorder CurType BlinkCur WinNameAlways ScrollbarOnLeft
LoginShell StampUtmp ShadowBold ShadowBoldOffset
FontIsBold FontCharSet FontHeight BoldFontIsBold BoldFontCharSet BoldFontHeight
WideFontIsBold WideFontCharSet WideFontHeight WideBoldFontIsBold WideBoldFontCharSet WideBoldFontHeight
FontQuality FontVTMode ANSIColour Xterm256Colour TrueColour UseSystemColours TryPalette BoldAsColour
CJKAmbigWide UTF8Override CapsLockCyr UTF8linedraw RawCNP
MouseIsXterm RectSelect MouseOverride PasteControls PasteRTF MouseAutocopy
PermitRSASHA1 PermitRSASHA256 PermitRSASHA512
`

var numberSet = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(numberNames) {
		set[strings.ToLower(name)] = true
	}
	return set
})

// isNumber tells whether a setting of a file is one that the registry has as a
// number.
func isNumber(s Setting) bool {
	_, err := strconv.ParseInt(s.Text, 10, 32)
	return err == nil && numberSet()[strings.ToLower(s.Name)]
}
