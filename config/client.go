package config

import "time"

// A Client is what ssh_config says about one destination, with defaults filled
// in and tokens expanded unless said otherwise. It is read only once loaded.
type Client struct {
	Host string // as the user typed it: what is looked up in no file but printed

	HostName      string // the name to connect to; lower case unless an address
	Port          int    // 22 when nobody said
	User          string // the remote user
	AddressFamily string // "any", "inet" or "inet6"
	BindAddress   string // the local address to connect from; "" for any
	BindInterface string // the local interface to connect from; "" for any
	Tag           string // a name that Match tagged asked for

	ConnectTimeout      time.Duration // 0: the system's
	ConnectionAttempts  int           // at least 1
	TCPKeepAlive        bool
	ServerAliveInterval time.Duration // 0: off
	ServerAliveCountMax int
	IPQoS               IPQoS
	VersionAddendum     string // text after our version in the identification; "" for none

	// The name is canonical already when the Client is loaded.
	CanonicalizeHostname        string // "no", "yes" or "always"
	CanonicalDomains            []string
	CanonicalizeMaxDots         int
	CanonicalizeFallbackLocal   bool
	CanonicalizePermittedCNAMEs []CNAMERule

	// At most one of ProxyCommand and ProxyJump is set: the one said first.
	ProxyCommand   string // as written, "" for none; ProxyCommandLine expands
	ProxyUseFdpass bool   // the command passes a connected socket back
	ProxyJump      []Jump // the hops in the order to connect; empty for none
	ProxyURL       string // http://[user@]host:port, socks5://…: a proxy without a helper. Nacre's own.

	HostKeyAlias          string // lower case; "" for none
	StrictHostKeyChecking StrictHostKeyChecking
	UserKnownHostsFile    []string // in order; empty for "none"
	GlobalKnownHostsFile  []string
	KnownHostsCommand     string   // as written, "" for none; KnownHostsCommandLine expands
	RevokedHostKeys       []string // files; empty for none
	HashKnownHosts        bool
	CheckHostIP           bool
	VerifyHostKeyDNS      string // "yes", "no" or "ask"
	VisualHostKey         bool
	// NoHostAuthenticationForLocalhost trusts any key of a loopback address.
	NoHostAuthenticationForLocalhost bool
	UpdateHostKeys                   string // "yes", "no" or "ask"
	FingerprintHash                  string // "SHA256" or "MD5"

	KexAlgorithms               []string // best first, as the five below
	HostKeyAlgorithms           []string
	Ciphers                     []string
	MACs                        []string
	PubkeyAcceptedAlgorithms    []string
	HostbasedAcceptedAlgorithms []string
	CASignatureAlgorithms       []string // what certificates may be signed with
	RequiredRSASize             int      // bits
	Compression                 bool
	RekeyLimit                  RekeyLimit
	WarnWeakCrypto              bool // a word about a key exchange that quantum computers break
	// RequireStrictKex refuses a peer without strict key exchange. Nacre's own.
	RequireStrictKex bool

	IdentityFile                 []string // as written; IdentityFiles expands
	CertificateFile              []string // as written; CertificateFiles expands
	IdentitiesOnly               bool
	IdentityAgent                string // "" for SSH_AUTH_SOCK; "none" for no agent
	AddKeysToAgent               AddKeysToAgent
	PreferredAuthentications     string // names with commas; "" for the usual order
	PubkeyAuthentication         string // "yes", "no", "unbound" or "host-bound"
	PasswordAuthentication       bool
	KbdInteractiveAuthentication bool
	KbdInteractiveDevices        string // names with commas; "" leaves it to the server
	HostbasedAuthentication      bool
	EnableSSHKeysign             bool
	GSSAPIAuthentication         bool
	GSSAPIDelegateCredentials    bool
	PKCS11Provider               string // a library; "" for none
	SecurityKeyProvider          string // a library, or "internal"
	NumberOfPasswordPrompts      int
	BatchMode                    bool

	RequestTTY    RequestTTY
	SessionType   string // "default", "none" or "subsystem"
	StdinNull     bool
	RemoteCommand string // "" for none
	EscapeChar    int    // a byte, or EscapeNone
	SendEnv       []string
	SetEnv        []string // NAME=value
	// EnableEscapeCommandline offers ~C. It is on here, unlike in OpenSSH.
	EnableEscapeCommandline bool
	ForkAfterAuthentication bool   // like -f
	LocalCommand            string // as written, "" for none; LocalCommandLine expands
	PermitLocalCommand      bool
	// ObscureKeystrokeTiming is the interval at which keystrokes leave; 0: off.
	ObscureKeystrokeTiming time.Duration
	ChannelTimeout         []ChannelTimeout

	ControlMaster  string // "no", "yes", "ask", "auto" or "autoask"
	ControlPath    string // "" for none
	ControlPersist ControlPersist

	LocalForward          []Forward // without the dynamic ones
	RemoteForward         []Forward // dynamic ones too
	DynamicForward        []Forward
	StdioForward          *Endpoint // -W's; nil for none
	ClearAllForwardings   bool      // the lists above are empty then
	ExitOnForwardFailure  bool
	GatewayPorts          bool     // local listeners without an address take everybody
	PermitRemoteOpen      []string // host:port that a remote dynamic forward may open; nil for any, empty for none
	StreamLocalBindMask   uint32   // mode bits that a socket of ours doesn't get
	StreamLocalBindUnlink bool     // a socket's file is removed before it is made
	Tunnel                string   // "no", "point-to-point" or "ethernet"
	TunnelDevice          TunnelDevice

	ForwardAgent       bool
	ForwardAgentSocket string // the agent to forward; "" for the one that is used
	ForwardX11         bool
	ForwardX11Trusted  bool
	ForwardX11Timeout  time.Duration // how long an untrusted display takes new clients; 0: always
	XAuthLocation      string        // the xauth program

	LogLevel       LogLevel
	LogVerbose     []string // patterns of places that log everything
	SyslogFacility string

	identityAgent string   // as the dump shows it, like the two below
	globalFiles   []string // GlobalKnownHostsFile
	jumpExtra     string   // ProxyJump but its last hop
	refusal       string   // RefuseConnection's text
	ignored       string   // IgnoreUnknown
	gssapi        gssapi
	notes         []Note
	steps         []string
	origins       map[string]Origin
	written       map[string]string // the values as they stand
	tokens        tokens
}

// gssapi are the keywords that distributions add for GSSAPI. Nothing reads
// them but the dump.
type gssapi struct {
	keyExchange, trustDNS, renewalForcesRekey  bool
	kexAlgorithms, clientIdentity, serverIdent string
}

// Notes returns what was accepted without effect, in the order it was read.
func (c *Client) Notes() []Note { return c.notes }

// Steps tells which files were read and which blocks were for the host, in the
// words of OpenSSH's -v.
func (c *Client) Steps() []string { return c.steps }

// Dump returns the values as "ssh -G" prints them, a line each.
func (c *Client) Dump() []string { return dump(clientTable(), c) }

// ClientDocs returns the manual of ssh_config, a keyword each.
func ClientDocs() []Doc { return docs(clientTable()) }
