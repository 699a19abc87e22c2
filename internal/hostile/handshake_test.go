package hostile

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/transport"
	"github.com/nacre-ssh/nacre/wire"
)

// dead expects the stack to have ended, for one of the reasons if it told one.
func (s *stack) dead(reasons ...uint32) {
	s.t.Helper()
	v := s.verdict(nothing)
	if v.alive {
		s.t.Fatal("it lives on")
	}
	if v.err == nil {
		s.t.Fatal("it ended without an error")
	}
	if len(reasons) > 0 && !slices.Contains(reasons, v.reason) {
		s.t.Fatalf("told reason %d %q, want %v; it ended with %v", v.reason, v.text, reasons, v.err)
	}
}

func (s *stack) alive() {
	s.t.Helper()
	if v := s.verdict(nothing); !v.alive {
		s.t.Fatalf("it ended: reason %d %q, %v", v.reason, v.text, v.err)
	}
}

// Terrapin (CVE-2023-48795): messages put in before the keys make the two sides
// count apart, so that the same number of messages behind the keys can be cut
// off unseen. Nothing can be put in, with strict key exchange or without.
func TestTerrapinInsertion(t *testing.T) {
	extras := map[string][]byte{
		"ignore":        msg(wire.MsgIgnore, "terrapin"),
		"debug":         msg(wire.MsgDebug, false, "terrapin", ""),
		"unimplemented": msg(wire.MsgUnimplemented, 0),
		"ext-info":      msg(wire.MsgExtInfo, 0),
		"unknown":       {199},
	}
	for _, role := range roles {
		for _, strict := range []bool{true, false} {
			for at := identified; at <= agreed; at++ {
				for name, extra := range extras {
					s := attack(t, role)
					s.peer.Offer.NoMarkers = !strict
					s.peer.Offer.Ciphers = []string{"chacha20-poly1305@openssh.com"}
					s.reach(at)
					s.must(s.peer.Send(extra))
					v := s.verdict(nothing)
					if v.alive || v.reason != wire.DisconnectProtocolError {
						t.Errorf("%s, strict %v, %s after %s: reason %d %q, %v", role, strict, name, stateNames[at], v.reason, v.text, v.err)
					}
				}
			}
		}
	}
}

// prone are the modes that Terrapin can cut.
var prone = []Offer{
	{Ciphers: []string{"chacha20-poly1305@openssh.com"}},
	{Ciphers: []string{"aes128-cbc"}, MACs: []string{"hmac-sha2-256-etm@openssh.com"}},
}

func allowCBC(s *stack) {
	s.transport.Algorithms.Ciphers = packet.Ciphers()
	s.transport.Algorithms.MACs = packet.MACs()
}

// Prefix truncation: the first messages behind the keys never arrive. The next
// one doesn't open, whether the peer that is cut off has strict key exchange or
// not, since nothing could be put in to make up for them.
func TestTerrapinTruncation(t *testing.T) {
	for _, role := range roles {
		for _, offer := range prone {
			for _, strict := range []bool{true, false} {
				s := attack(t, role, allowCBC)
				s.peer.Offer = offer
				s.peer.Offer.NoMarkers = !strict
				s.reach(keyed)
				s.peer.Packet(msg(wire.MsgExtInfo, 0)) // sealed and cut off
				s.must(s.peer.Send(msg(wire.MsgIgnore, "next")))
				v := s.verdict(nothing)
				if v.alive {
					t.Errorf("%s, %v, strict %v: the truncation went unseen", role, offer.Ciphers, strict)
				}
			}
		}
	}
}

// In strict key exchange the sequence numbers start again with each NEWKEYS, in
// a rekey as well; a peer whose numbers carry on, or the other way round, is not
// understood.
func TestStrictResetsSequence(t *testing.T) {
	for _, role := range roles {
		for _, strict := range []bool{true, false} {
			for _, state := range []int{keyed, open} {
				s := attack(t, role, allowCBC)
				s.peer.Offer = prone[0]
				s.peer.Offer.NoMarkers = !strict
				s.reach(state)
				if state == open { // a rekey, honest up to the numbers
					s.must(s.peer.Exchange())
				}
				s.peer.Skip(1, 0)
				s.dead()
			}
		}
	}
}

func TestRequireStrictKex(t *testing.T) {
	require := func(s *stack) { s.transport.RequireStrictKex = true }
	for _, role := range roles {
		for _, offer := range prone {
			s := attack(t, role, allowCBC, require)
			s.peer.Offer = offer
			s.peer.Offer.NoMarkers = true
			s.must(s.peer.Hello())
			s.must(s.peer.SendInit())
			s.dead(wire.DisconnectKeyExchangeFailed)
			s = attack(t, role, allowCBC, require)
			s.peer.Offer = offer
			s.reach(open).alive()
		}
		s := attack(t, role, require) // GCM needs no strictness
		s.peer.Offer.NoMarkers = true
		s.reach(open).alive()
	}
}

// What comes out of order in the first key exchange and in later ones.
func TestOutOfOrder(t *testing.T) {
	newKeys := []byte{wire.MsgNewKeys}
	for _, role := range roles {
		for name, row := range map[string]struct {
			state int
			send  func(p *Peer) error
		}{
			"method before KEXINIT":         {identified, func(p *Peer) error { return p.Send(plausible(30)) }},
			"new keys before KEXINIT":       {identified, func(p *Peer) error { return p.Send(newKeys) }},
			"KEXINIT twice":                 {inited, func(p *Peer) error { return p.Send(p.OurInit) }},
			"new keys before the method":    {inited, func(p *Peer) error { return p.Send(newKeys) }},
			"KEXINIT behind the method":     {agreed, func(p *Peer) error { return p.Send(p.OurInit) }},
			"new keys twice":                {keyed, func(p *Peer) error { return p.Send(newKeys) }},
			"new keys out of nowhere":       {open, func(p *Peer) error { return p.Send(newKeys) }},
			"method out of nowhere":         {open, func(p *Peer) error { return p.Send(plausible(30)) }},
			"new keys before the rekeying":  {rekeying, func(p *Peer) error { return p.Send(newKeys) }},
			"KEXINIT twice in a rekey":      {rekeying, func(p *Peer) error { return p.Send(p.OurInit) }},
			"method after its end":          {rekeyed, func(p *Peer) error { return p.Send(plausible(30)) }},
			"data in a rekey":               {rekeying, func(p *Peer) error { return p.Send(plausible(wire.MsgChannelData)) }},
			"many method messages at once":  {rekeying, func(p *Peer) error { return p.Send(plausible(30), plausible(30), plausible(30), newKeys) }},
			"a group exchange's in a rekey": {rekeying, func(p *Peer) error { return p.Send(msg(34, 2048, 3072, 8192), plausible(32), plausible(32), newKeys) }},
		} {
			t.Run(role+" "+name, func(t *testing.T) {
				s := attack(t, role).reach(row.state)
				s.must(row.send(s.peer))
				s.dead(wire.DisconnectProtocolError, wire.DisconnectKeyExchangeFailed)
			})
		}
	}
}

// NEWKEYS in the middle of a group exchange in a rekey: between two messages
// that are handled beside the reader. It must not wait for keys that nobody
// will make.
func TestNewKeysInsideGroupExchange(t *testing.T) {
	for range 20 {
		s := attack(t, "server")
		s.peer.Offer.Kex = []string{"diffie-hellman-group-exchange-sha256"}
		s.reach(rekeying)
		s.must(s.peer.Send(msg(34, 2048, 2048, 8192), []byte{wire.MsgNewKeys}))
		s.dead() // the reason is lost when the group is being written
	}
}

// A second message of the method must not meet the first one being handled.
func TestMethodMessagesDontOverlap(t *testing.T) {
	for range 30 {
		s := attack(t, "server")
		s.peer.Offer.Kex = []string{"diffie-hellman-group-exchange-sha256"}
		s.reach(rekeying)
		s.must(s.peer.Send(msg(34, 2048, 2048, 8192)))
		_, err := s.peer.Expect(31)
		s.must(err)
		init := wire.AppendMpint([]byte{32}, big.NewInt(0x7fffffff))
		s.must(s.peer.Send(init, init, init, []byte{wire.MsgNewKeys}))
		s.dead() // the reason may be sealed with keys that we don't have
	}
}

// Weak, wrong and huge public values, both ways round, for each kind of method.
func TestPublicValues(t *testing.T) {
	group14 := primeOfGroup14(t)
	dh := map[string][]byte{
		"0": {}, "1": {1}, "p-1": new(big.Int).Sub(group14, big.NewInt(1)).Bytes(), "p": group14.Bytes(),
		"negative": {0x80, 1}, "huge": bytes.Repeat([]byte{0x7f}, 60_000), "padded": {0, 1},
	}
	// p-1 and p have their highest bit set: as mpints they begin with a zero.
	for _, name := range []string{"p-1", "p"} {
		dh[name] = append([]byte{0}, dh[name]...)
	}
	zero := make([]byte, 32)
	one := append([]byte{1}, zero[1:]...)
	values := map[string]map[string][]byte{
		"diffie-hellman-group14-sha256": dh,
		"curve25519-sha256":             {"zero": zero, "low order": one, "short": zero[:31], "empty": {}, "long": append(zero, 9)},
		"ecdh-sha2-nistp256":            {"infinity": {0}, "off the curve": append([]byte{4}, bytes.Repeat([]byte{5}, 64)...), "empty": {}, "compressed": append([]byte{2}, zero...)},
		"mlkem768x25519-sha256":         {"empty": {}, "short": zero, "zeros": make([]byte, 1184+32), "long": make([]byte, 5000)},
		"sntrup761x25519-sha512":        {"empty": {}, "short": zero, "zeros": make([]byte, 1158+32)},
	}
	for _, role := range roles {
		for method, bad := range values {
			for name, value := range bad {
				t.Run(role+" "+method+" "+name, func(t *testing.T) {
					s := attack(t, role)
					s.peer.Offer.Kex = []string{method}
					s.reach(inited)
					s.peer.Alter = func(m []byte) []byte {
						if m[0] == 30 {
							return wire.AppendString([]byte{30}, value)
						}
						r := wire.NewReader(m[1:])
						hostKey, _, sig := r.Bytes(), r.Bytes(), r.Bytes()
						b := wire.AppendString([]byte{31}, hostKey)
						b = wire.AppendString(b, value)
						return wire.AppendString(b, sig)
					}
					if role == "server" { // our value is the first message
						s.must(s.peer.Send(s.peer.Alter([]byte{30})))
					} else if err := s.peer.Agree(); err != nil {
						t.Fatal(err)
					}
					s.dead(wire.DisconnectKeyExchangeFailed)
				})
			}
		}
	}
}

func primeOfGroup14(t *testing.T) *big.Int {
	t.Helper()
	// RFC 3526, section 3: 2^2048 - 2^1984 - 1 + 2^64 * (floor(2^1918 pi) + 124476)
	const hex = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF"
	p, ok := new(big.Int).SetString(hex, 16)
	if !ok || !p.ProbablyPrime(10) {
		t.Fatal("the prime is miscopied")
	}
	return p
}

// Groups that a server of group exchange may not choose.
func TestGroups(t *testing.T) {
	odd := func(bits int) *big.Int {
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		return n.SetBit(n, 0, 1)
	}
	p := primeOfGroup14(t)
	mpint := func(n *big.Int) []byte { return wire.AppendMpint(nil, n) }
	two := mpint(big.NewInt(2))
	for name, group := range map[string][]byte{
		"512 bits":           append(mpint(odd(512)), two...),
		"16384 bits":         append(mpint(odd(16384)), two...),
		"a million bits":     append(wire.AppendString(nil, bytes.Repeat([]byte{0x7f}, 125_000)), two...),
		"even":               append(mpint(new(big.Int).Sub(p, big.NewInt(1))), two...),
		"zero":               append(mpint(new(big.Int)), two...),
		"a multiple of 3":    append(mpint(new(big.Int).Mul(big.NewInt(3), p)), two...),
		"generator 0":        append(mpint(p), mpint(new(big.Int))...),
		"generator 1":        append(mpint(p), mpint(big.NewInt(1))...),
		"generator p-1":      append(mpint(p), mpint(new(big.Int).Sub(p, big.NewInt(1)))...),
		"generator beyond p": append(mpint(p), mpint(new(big.Int).Add(p, big.NewInt(1)))...),
		"nothing":            nil,
		"trailing bytes":     append(append(mpint(p), two...), 0),
	} {
		t.Run(name, func(t *testing.T) {
			s := attack(t, "client")
			s.peer.Offer.Kex = []string{"diffie-hellman-group-exchange-sha256"}
			s.reach(inited)
			_, err := s.peer.Expect(34)
			s.must(err)
			s.must(s.peer.Send(append([]byte{31}, group...)))
			s.dead(wire.DisconnectKeyExchangeFailed)
		})
	}
	for name, ask := range map[string][]byte{
		"nothing above 1024": msg(34, 512, 1024, 1024), "nothing below 16384": msg(34, 16384, 16384, 16384),
		"upside down": msg(34, 8192, 4096, 2048), "the old request": msg(30, 2048), "too short": msg(34, 2048, 3072),
		"zeros": msg(34, 0, 0, 0),
	} {
		t.Run("request for "+name, func(t *testing.T) {
			s := attack(t, "server")
			s.peer.Offer.Kex = []string{"diffie-hellman-group-exchange-sha256"}
			s.reach(inited)
			s.must(s.peer.Send(ask))
			s.dead(wire.DisconnectKeyExchangeFailed)
		})
	}
}

// Host keys that a client must refuse before it believes anything.
func TestHostKeys(t *testing.T) {
	rsaBlob := func(bits int) []byte {
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		n.SetBit(n, 0, 1)
		b := wire.AppendString(nil, "ssh-rsa")
		b = wire.AppendMpint(b, big.NewInt(65537))
		return wire.AppendMpint(b, n)
	}
	point := func(b []byte) []byte {
		k := wire.AppendString(wire.AppendString(nil, "ecdsa-sha2-nistp256"), "nistp256")
		return wire.AppendString(k, b)
	}
	ed := signers()[key.TypeEd25519]
	other, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(k key.Signer, algorithm string) func([]byte, string) ([]byte, error) {
		return func(hash []byte, _ string) ([]byte, error) { return k.Sign(context.Background(), algorithm, hash) }
	}
	for name, row := range map[string]struct {
		algorithm string
		blob      []byte
		sign      func([]byte, string) ([]byte, error)
	}{
		"RSA of 512 bits":                    {key.AlgRSASHA256, rsaBlob(512), nil},
		"RSA of 512 Ki bits":                 {key.AlgRSASHA256, rsaBlob(512 << 10), nil},
		"RSA of 16384 bits, wrong signature": {key.AlgRSASHA256, rsaBlob(16384), nil},
		"ECDSA off the curve":                {key.TypeECDSA256, point(append([]byte{4}, bytes.Repeat([]byte{7}, 64)...)), nil},
		"ECDSA at infinity":                  {key.TypeECDSA256, point([]byte{0}), nil},
		"ECDSA without a point":              {key.TypeECDSA256, point(nil), nil},
		"ed25519 of 31 bytes":                {key.TypeEd25519, msg('x', "ssh-ed25519", string(make([]byte, 31)))[1:], nil},
		"of another type than agreed":        {key.TypeECDSA256, ed.Public().Blob(), sign(ed, key.TypeEd25519)},
		"of no type":                         {key.TypeEd25519, msg('x', "ssh-dss", "x")[1:], nil},
		"empty":                              {key.TypeEd25519, []byte{}, nil},
		"signature by another key":           {key.TypeEd25519, ed.Public().Blob(), sign(other, key.TypeEd25519)},
		"signature of another hash": {key.TypeEd25519, ed.Public().Blob(), func(hash []byte, a string) ([]byte, error) {
			return ed.Sign(context.Background(), a, append([]byte{1}, hash...))
		}},
		"signature with SHA-1 for SHA-256": {key.AlgRSASHA256, nil, sign(signers()[key.AlgRSASHA256], key.AlgRSASHA1)},
		"signature with SHA-512 for 256":   {key.AlgRSASHA256, nil, sign(signers()[key.AlgRSASHA256], key.AlgRSASHA512)},
		"empty signature":                  {key.TypeEd25519, nil, func([]byte, string) ([]byte, error) { return nil, nil }},
		"signature without its name": {key.TypeEd25519, nil, func(h []byte, a string) ([]byte, error) {
			sig, err := ed.Sign(context.Background(), a, h)
			return sig[len(sig)-64:], err
		}},
		"large signature": {key.TypeEd25519, nil, func([]byte, string) ([]byte, error) {
			return wire.AppendString(wire.AppendString(nil, "ssh-ed25519"), string(make([]byte, 200<<10))), nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			asked := false
			s := attack(t, "client", func(s *stack) {
				s.transport.VerifyHostKey = func(context.Context, key.Public) error { asked = true; return nil }
			})
			s.peer.Offer.HostKeys = []string{row.algorithm}
			if s.peer.Signer = signers()[row.algorithm]; row.algorithm == key.AlgRSASHA256 {
				s.peer.Signer = signers()[key.AlgRSASHA512]
			}
			s.peer.HostKey, s.peer.Sign = row.blob, row.sign
			s.reach(inited)
			s.must(s.peer.Agree())
			s.dead(wire.DisconnectKeyExchangeFailed)
			if asked {
				t.Error("the user was asked about a key that was not proved")
			}
		})
	}
	t.Run("another key in a rekey", func(t *testing.T) {
		s := attack(t, "client").reach(open)
		s.peer.Signer = other
		s.must(s.peer.SendInit())
		s.must(s.peer.ReadInit())
		s.must(s.peer.Agree())
		if v := s.verdict(s.peer.ReadNewKeys); v.reason != wire.DisconnectKeyExchangeFailed {
			t.Fatalf("reason %d %q, %v", v.reason, v.text, v.err)
		}
	})
}

// A guess that is announced and wrong is thrown away, one message of it; a right
// one counts.
func TestGuesses(t *testing.T) {
	for _, role := range roles {
		wrong := []string{"ecdh-sha2-nistp256", "curve25519-sha256"}
		run := func(name string, kexList []string, guess []byte, lives bool) {
			t.Run(role+" "+name, func(t *testing.T) {
				s := attack(t, role, func(s *stack) { s.transport.Algorithms.Kex = []string{"curve25519-sha256", "ecdh-sha2-nistp384"} })
				s.peer.Offer.Kex, s.peer.Offer.Follows = kexList, true
				s.must(s.peer.Hello())
				s.must(s.peer.SendInit())
				if guess != nil {
					s.must(s.peer.Send(guess))
				}
				err := s.peer.ReadInit()
				if err == nil {
					err = s.peer.Agree()
				}
				if err == nil {
					err = s.peer.NewKeys()
				}
				if lives != (err == nil) {
					t.Fatalf("lives: %v; %v", err == nil, err)
				}
				if lives {
					s.alive()
				} else {
					s.peer.Conn.Close()
					if s.wait() == nil {
						t.Fatal("it ended without an error")
					}
				}
			})
		}
		run("wrong", wrong, plausible(30), true)
		run("wrong, of a strange number", wrong, []byte{49}, true)
		run("wrong, not a method's message", wrong, []byte{wire.MsgIgnore, 0, 0, 0, 0}, false)
		run("wrong, new keys", wrong, []byte{wire.MsgNewKeys}, false)
		run("right, and rubbish", []string{"curve25519-sha256"}, []byte{30, 1}, false)
	}
	// Announced and not sent: the first real message is thrown away instead, so
	// that the exchange can't end.
	s := attack(t, "server", func(s *stack) { s.transport.Algorithms.Kex = []string{"curve25519-sha256"} })
	s.peer.Offer.Kex, s.peer.Offer.Follows = []string{"x", "curve25519-sha256"}, true
	s.reach(inited)
	s.must(s.peer.Send(plausible(30), []byte{wire.MsgNewKeys}))
	s.dead(wire.DisconnectProtocolError)
	// A client's guess that we make and the server's lists prove wrong.
	remembered := &transport.PeerLists{Kex: []string{"ecdh-sha2-nistp256"}, HostKeys: []string{key.TypeEd25519}}
	s = attack(t, "client", func(s *stack) { s.transport.Remembered = remembered })
	s.must(s.peer.Hello())
	s.must(s.peer.SendInit())
	s.must(s.peer.ReadInit())
	_, err := s.peer.Expect(30)
	s.must(err)
	s.must(errors.Join(s.peer.Agree(), s.peer.NewKeys()))
	s.alive()
}

// Name-lists that can't be.
func TestNameLists(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat("a,", 10_000), ",")
	good := strings.Join([]string{"curve25519-sha256", "x"}, ",")
	for _, role := range roles {
		for name, list := range map[string]string{
			"empty name": "curve25519-sha256,,x", "leading comma": "," + good, "trailing comma": good + ",",
			"commas only": ",,,,", "one comma": ",", "10 000 names": many, "not ASCII": good + ",\u00e9",
			"a NUL": good + ",\x00", "a space": good + ", x", "a line end": good + "\r\n", "nothing": "",
			"nothing known": "x,y", "markers only": StrictClient + "," + StrictServer + "," + ExtInfoClient + "," + ExtInfoServer,
			"200 KiB in one name": strings.Repeat("a", 200<<10), "all commas": strings.Repeat(",", 100_000),
		} {
			for field := range 8 {
				if field >= 4 && field < 6 && (name == "nothing" || name == "nothing known" || name == "markers only") {
					continue // no MAC is chosen beside AES-GCM
				}
				s := attack(t, role)
				s.must(s.peer.Hello())
				init := make([]byte, 17)
				init[0] = wire.MsgKexInit
				for i, honest := range []string{good, key.TypeEd25519, "aes128-gcm@openssh.com", "aes128-gcm@openssh.com", "hmac-sha2-256", "hmac-sha2-256", "none", "none", "", ""} {
					if i == field {
						honest = list
					}
					init = wire.AppendString(init, honest)
				}
				s.must(s.peer.Send(append(init, 0, 0, 0, 0, 0)))
				v := s.verdict(nothing)
				if v.alive || v.reason != wire.DisconnectProtocolError && v.reason != wire.DisconnectKeyExchangeFailed || len(v.text) > 200 {
					t.Errorf("%s, %s in list %d: reason %d %.300q, %v", role, name, field, v.reason, v.text, v.err)
				}
			}
		}
	}
}

// Identification lines, and what is none.
func TestIdentification(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, role := range roles {
		for name, says := range map[string]string{
			"http": "GET / HTTP/1.0\r\n\r\n", "old": "SSH-1.5-x\r\n", "none": "\r\n\r\n\r\n", "too long": "SSH-2.0-" + long + "\r\n",
			"no end": "SSH-2.0-x", "binary": string(plausible(20)), "endless lines": strings.Repeat("hello\r\n", 20_000),
			"endless line": strings.Repeat("y", 100_000), "empty": "", "zeros": string(make([]byte, 4096)),
			"half": "SSH-", "other protocol": "SSH-9.9-x\r\n", "lower case": "ssh-2.0-x\r\n",
		} {
			t.Run(role+" "+name, func(t *testing.T) {
				s := attack(t, role)
				s.peer.Raw([]byte(says)) // it may be cut off in the middle
				s.peer.Conn.(interface{ CloseWrite() error }).CloseWrite()
				err := s.wait()
				var not *transport.IdentificationError
				if !errors.As(err, &not) || len(not.Line) > 255 {
					t.Fatalf("%v", err)
				}
			})
		}
		t.Run(role+" silent", func(t *testing.T) {
			s := attack(t, role)
			s.must(s.peer.ReadLine())
			s.cancel()
			if err := s.wait(); !errors.Is(err, context.Canceled) {
				t.Fatalf("%v", err)
			}
		})
	}
	s := attack(t, "client") // lines before a server's identification are fine
	s.must(s.peer.Raw([]byte("welcome\r\nto this host\n")))
	s.reach(open).alive()
}
