package wire

// Message numbers.
const (
	// RFC 4253, section 12.
	MsgDisconnect     = 1
	MsgIgnore         = 2
	MsgUnimplemented  = 3
	MsgDebug          = 4
	MsgServiceRequest = 5
	MsgServiceAccept  = 6
	MsgExtInfo        = 7 // RFC 8308, section 2.3
	MsgNewCompress    = 8 // RFC 8308, section 3.2
	MsgKexInit        = 20
	MsgNewKeys        = 21

	// 30 to 49 belong to the key exchange method in use.
	MsgKexFirst = 30
	MsgKexLast  = 49

	// RFC 4252, section 6. 60 to 79 belong to the method in use.
	MsgUserauthRequest = 50
	MsgUserauthFailure = 51
	MsgUserauthSuccess = 52
	MsgUserauthBanner  = 53

	MsgUserauthPKOK         = 60 // RFC 4252, section 7
	MsgUserauthPasswdChange = 60 // RFC 4252, section 8
	MsgUserauthInfoRequest  = 60 // RFC 4256, section 5
	MsgUserauthInfoResponse = 61
	MsgUserauthMethodLast   = 79
	MsgGlobalRequest        = 80 // RFC 4254, section 9
	MsgRequestSuccess       = 81
	MsgRequestFailure       = 82
	MsgChannelOpen          = 90
	MsgChannelOpenConfirm   = 91
	MsgChannelOpenFailure   = 92
	MsgChannelWindowAdjust  = 93
	MsgChannelData          = 94
	MsgChannelExtendedData  = 95
	MsgChannelEOF           = 96
	MsgChannelClose         = 97
	MsgChannelRequest       = 98
	MsgChannelSuccess       = 99
	MsgChannelFailure       = 100
	MsgPing                 = 192 // PROTOCOL, section 1.9 (ping@openssh.com)
	MsgPong                 = 193
)

// Disconnect reasons (RFC 4253, section 11.1).
const (
	DisconnectHostNotAllowed       = 1
	DisconnectProtocolError        = 2
	DisconnectKeyExchangeFailed    = 3
	DisconnectMACError             = 5
	DisconnectCompressionError     = 6
	DisconnectServiceNotAvailable  = 7
	DisconnectVersionNotSupported  = 8
	DisconnectHostKeyNotVerifiable = 9
	DisconnectConnectionLost       = 10
	DisconnectByApplication        = 11
	DisconnectTooManyConnections   = 12
	DisconnectAuthCancelled        = 13
	DisconnectNoMoreAuthMethods    = 14
	DisconnectIllegalUserName      = 15
)

// Reasons of a refused channel (RFC 4254, section 5.1).
const (
	OpenProhibited       = 1
	OpenConnectFailed    = 2
	OpenUnknownType      = 3
	OpenResourceShortage = 4
)

// ExtendedStderr is the one extended data type there is (RFC 4254, section 5.2).
const ExtendedStderr = 1
