package sshd

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/login"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/server"
	"github.com/nacre-ssh/nacre/transport"
	"github.com/nacre-ssh/nacre/wire"
)

// sessionConfig is the part of the configuration that counts after
// authentication. It goes to the worker with each connection.
type sessionConfig struct {
	generation                    uint32
	logLevel                      uint32
	kex, hostKeyAlgorithms        []string
	ciphers, macs, compression    []string
	moduli                        string
	requireStrictKex, noPTY, motd bool
	rekeyBytes, rekeyInterval     uint64
	keepAlive, keepAliveMax       uint64
	maxSessions                   uint32
	acceptEnv                     []string
	subsystemNames, subsystems    []string
	hostKeys                      []string // blobs
	forwarding                    forwardingPolicy
	qos                           []int // for terminals, for the rest
	timeouts                      []string
	timeoutSeconds                []int
	unused                        uint64
}

func newSessionConfig(c *config.Server, generation uint32, keys []key.Signer) *sessionConfig {
	s := &sessionConfig{
		generation: generation, logLevel: uint32(c.LogLevel),
		kex: c.KexAlgorithms, hostKeyAlgorithms: c.HostKeyAlgorithms, ciphers: c.Ciphers, macs: c.MACs,
		moduli: c.ModuliFile, requireStrictKex: c.RequireStrictKex, noPTY: !c.PermitTTY, motd: c.PrintMotd,
		rekeyBytes: c.RekeyLimit.Bytes, rekeyInterval: uint64(c.RekeyLimit.Interval),
		keepAlive: uint64(c.ClientAliveInterval), keepAliveMax: uint64(c.ClientAliveCountMax),
		maxSessions: uint32(c.MaxSessions), acceptEnv: c.AcceptEnv, forwarding: newForwardingPolicy(c),
	}
	s.qos = []int{int(c.IPQoS.Interactive), int(c.IPQoS.Bulk)}
	for _, t := range c.ChannelTimeout {
		s.timeouts = append(s.timeouts, t.Type)
		s.timeoutSeconds = append(s.timeoutSeconds, int(min(t.Interval/time.Second, 1<<30)))
	}
	s.unused = uint64(c.UnusedConnectionTimeout)
	if !c.Compression {
		s.compression = []string{packet.CompressNone}
	}
	for _, sub := range c.Subsystem {
		s.subsystemNames = append(s.subsystemNames, sub.Name)
		s.subsystems = append(s.subsystems, sub.Command)
	}
	for _, k := range keys {
		s.hostKeys = append(s.hostKeys, string(k.Public().Blob()))
	}
	return s
}

// serverConfig is what the server room needs of it, without who may log in.
func (s *sessionConfig) serverConfig() server.Config {
	c := server.Config{
		Algorithms:       transport.Algorithms{Kex: s.kex, HostKeys: s.hostKeyAlgorithms, Ciphers: s.ciphers, MACs: s.macs, Compression: s.compression},
		RequireStrictKex: s.requireStrictKex, Moduli: &moduliFile{path: s.moduli},
		RekeyBytes: s.rekeyBytes, RekeyInterval: time.Duration(s.rekeyInterval),
		MaxSessions: int(s.maxSessions), AcceptEnv: login.AcceptEnv(s.acceptEnv).Accepts, NoPTY: s.noPTY,
		KeepAlive: time.Duration(s.keepAlive), KeepAliveMax: int(s.keepAliveMax),
		Subsystems: map[string]string{}, Forwarding: s.forwarding.forwarding(),
		QoS: &mux.QoS{Interactive: s.qos[0], Bulk: s.qos[1]}, UnusedTimeout: time.Duration(s.unused),
	}
	for i, typ := range s.timeouts {
		c.Timeouts = append(c.Timeouts, mux.Timeout{Type: typ, After: time.Duration(s.timeoutSeconds[i]) * time.Second})
	}
	if s.maxSessions == 0 {
		c.MaxSessions = -1
	}
	for i, name := range s.subsystemNames {
		c.Subsystems[name] = s.subsystems[i]
	}
	return c
}

// maxPolicyList caps the lists of a policy.
const maxPolicyList = 4096

// A policyCodec writes fields, or reads them into the same variables in the same
// order, so that the two can't differ.
type policyCodec struct {
	out []byte
	in  *wire.Reader // nil: writing
}

func (p *policyCodec) uint32(v *uint32) {
	if p.in != nil {
		*v = p.in.Uint32()
		return
	}
	p.out = wire.AppendUint32(p.out, *v)
}

func (p *policyCodec) uint64(v *uint64) {
	if p.in != nil {
		*v = p.in.Uint64()
		return
	}
	p.out = wire.AppendUint64(p.out, *v)
}

func (p *policyCodec) bool(v *bool) {
	if p.in != nil {
		*v = p.in.Bool()
		return
	}
	p.out = wire.AppendBool(p.out, *v)
}

func (p *policyCodec) string(v *string) {
	if p.in != nil {
		*v = string(p.in.Bytes())
		return
	}
	p.out = wire.AppendString(p.out, *v)
}

func (p *policyCodec) strings(v *[]string) {
	n := uint32(len(*v))
	p.uint32(&n)
	if p.in != nil {
		*v = nil
		if n > maxPolicyList {
			n = 0
			p.in.Bytes() // it fails, or End does
		}
		for i := uint32(0); i < n && p.in.Err() == nil; i++ {
			*v = append(*v, string(p.in.Bytes()))
		}
		return
	}
	for _, s := range *v {
		p.string(&s)
	}
}

// ints are numbers that fit 32 bits; a negative one comes back as it was.
func (p *policyCodec) ints(v *[]int) {
	n := uint32(len(*v))
	p.uint32(&n)
	if p.in != nil {
		*v = nil
		for i := uint32(0); i < min(n, maxPolicyList) && p.in.Err() == nil; i++ {
			*v = append(*v, int(int32(p.in.Uint32())))
		}
		return
	}
	for _, i := range *v {
		p.out = wire.AppendUint32(p.out, uint32(int32(i)))
	}
}

func (s *sessionConfig) code(p *policyCodec) {
	for _, v := range []*uint32{&s.generation, &s.logLevel, &s.maxSessions} {
		p.uint32(v)
	}
	for _, v := range []*uint64{&s.rekeyBytes, &s.rekeyInterval, &s.keepAlive, &s.keepAliveMax, &s.unused} {
		p.uint64(v)
	}
	for _, v := range []*bool{&s.requireStrictKex, &s.noPTY, &s.motd} {
		p.bool(v)
	}
	p.string(&s.moduli)
	for _, v := range []*[]string{
		&s.kex, &s.hostKeyAlgorithms, &s.ciphers, &s.macs, &s.compression,
		&s.acceptEnv, &s.subsystemNames, &s.subsystems, &s.hostKeys, &s.timeouts,
	} {
		p.strings(v)
	}
	p.ints(&s.qos)
	p.ints(&s.timeoutSeconds)
	s.forwarding.code(p)
}

func (s *sessionConfig) encode() []byte {
	var p policyCodec
	s.code(&p)
	return p.out
}

var errPolicy = errors.New("the policy of a connection is malformed")

func parseSessionConfig(b []byte) (*sessionConfig, error) {
	r, s := wire.NewReader(b), new(sessionConfig)
	s.code(&policyCodec{in: &r})
	if r.End() != nil || len(s.subsystems) != len(s.subsystemNames) || len(s.qos) != 2 || len(s.timeoutSeconds) != len(s.timeouts) {
		return nil, errPolicy
	}
	return s, nil
}

// codeLogin writes or reads who logged in and what the permit leaves them. Where
// they may come from and until when was decided already.
func codeLogin(p *policyCodec, l *server.Login) {
	p.string(&l.User)
	for _, a := range []*netip.AddrPort{&l.Remote, &l.Local} {
		text := ""
		if a.IsValid() {
			text = a.String()
		}
		p.string(&text)
		if p.in != nil && text != "" {
			*a, _ = netip.ParseAddrPort(text)
		}
	}
	permit := *l.Permit
	p.string(&permit.ForceCommand)
	for _, v := range []*bool{&permit.NoPTY, &permit.NoPortForward, &permit.NoTunnel, &permit.NoAgent, &permit.NoX11, &permit.NoUserRC} {
		p.bool(v)
	}
	for _, v := range []*[][]string{&permit.PermitOpen, &permit.PermitListen} {
		codeLists(p, v)
	}
	p.ints(&permit.Tunnels)
	if p.in != nil {
		l.Permit = &permit
	}
}

func codeLists(p *policyCodec, v *[][]string) {
	n := uint32(len(*v))
	p.uint32(&n)
	lists := slices.Clone(*v)
	if p.in != nil {
		lists = nil
		for i := uint32(0); i < min(n, maxPolicyList) && p.in.Err() == nil; i++ {
			lists = append(lists, nil)
			p.strings(&lists[i])
		}
		*v = lists
		return
	}
	for i := range lists {
		p.strings(&lists[i])
	}
}

// encodePolicy is what a worker gets with a connection.
func encodePolicy(config []byte, l *server.Login) []byte {
	var p policyCodec
	codeLogin(&p, l)
	return append(wire.AppendString(nil, string(config)), p.out...)
}

// parsePolicy returns the configuration's encoding as a part of b.
func parsePolicy(b []byte) (config []byte, l *server.Login, err error) {
	r := wire.NewReader(b)
	config = r.Bytes()
	l = &server.Login{Permit: &auth.Permit{}}
	codeLogin(&policyCodec{in: &r}, l)
	if r.End() != nil {
		return nil, nil, errPolicy
	}
	return config, l, nil
}
