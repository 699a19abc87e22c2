package kex

import (
	"errors"
	"math/big"
	"testing"

	"github.com/nacre-ssh/nacre/wire"
)

const gexName = "diffie-hellman-group-exchange-sha256"

func num(v int64) *big.Int { return big.NewInt(v) }

func power(n uint) *big.Int { return new(big.Int).Lsh(num(1), n) }

func plus(a *big.Int, v int64) *big.Int { return new(big.Int).Add(a, num(v)) }

func TestGexClientRefusesGroups(t *testing.T) {
	p := fixedGroup{group14}.group().p
	for what, v := range map[string]struct{ p, g *big.Int }{
		"zero":               {num(0), num(2)},
		"small":              {plus(power(1024), 643), num(2)},
		"one bit too small":  {plus(power(2046), 1), num(2)},
		"one bit too large":  {plus(power(8192), 1), num(2)},
		"far too large":      {plus(power(16380), 1), num(2)},
		"even":               {plus(p, 1), num(2)},
		"divisible by three": {threefold(p), num(2)},
		"square of a prime":  {new(big.Int).Exp(num(997), num(220), nil), num(2)},
		"g zero":             {p, num(0)},
		"g one":              {p, num(1)},
		"g p-1":              {p, plus(p, -1)},
		"g p":                {p, p},
		"g above p":          {p, plus(p, 2)},
	} {
		c, _ := begin(t, gexName)
		if _, err := c.Start(); err != nil {
			t.Fatal(err)
		}
		msg := wire.AppendMpint(wire.AppendMpint([]byte{msgGexGroup}, v.p), v.g)
		send, done, err := c.Step(testParams(), msg)
		if !errors.Is(err, ErrGroup) || send != nil || done != nil {
			t.Errorf("%s: %v", what, err)
		}
		if _, _, err := c.Step(testParams(), msg); !errors.Is(err, ErrOver) {
			t.Errorf("%s: goes on after an error: %v", what, err)
		}
	}
}

// threefold returns three times the largest number of that size whose threefold
// has p's size, made odd.
func threefold(p *big.Int) *big.Int {
	third := new(big.Int).Div(p, num(3))
	third.SetBit(third, 0, 1)
	return third.Mul(third, num(3))
}

func TestGexClientRefusesMangledGroup(t *testing.T) {
	d := fixedGroup{group14}.group()
	group := wire.AppendMpint(wire.AppendMpint([]byte{msgGexGroup}, d.p), d.g)
	for what, bad := range mangled(group) {
		c, _ := begin(t, gexName)
		if _, err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if send, _, err := c.Step(testParams(), bad); err == nil || send != nil {
			t.Errorf("takes it: %s", what)
		}
	}
	// A group is due, not yet a reply; and only one group.
	c, _ := begin(t, gexName)
	if _, err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Step(testParams(), group); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Step(testParams(), group); !errors.Is(err, ErrUnexpected) {
		t.Errorf("second group: %v", err)
	}
}

func request(least, prefer, most uint32) []byte {
	return sizes{least, prefer, most}.append([]byte{msgGexRequest})
}

func TestGexServerRefusesRequests(t *testing.T) {
	for what, msg := range map[string][]byte{
		"min above max":       request(4096, 4096, 2048),
		"min above preferred": request(4096, 2048, 8192),
		"preferred above max": request(2048, 8192, 4096),
		"all too small":       request(1024, 1536, 2047),
		"all too large":       request(8193, 8193, 16384),
		"between the groups":  request(5000, 6000, 7000),
		"nothing wanted":      request(0, 0, 0),
	} {
		_, s := begin(t, gexName)
		if send, _, err := s.Step(testParams(), msg); !errors.Is(err, ErrGroup) || send != nil {
			t.Errorf("%s: %v", what, err)
		}
		if _, _, err := s.Step(testParams(), msg); !errors.Is(err, ErrOver) {
			t.Errorf("%s: goes on after an error: %v", what, err)
		}
	}
	_, s := begin(t, gexName)
	if _, _, err := s.Step(testParams(), wire.AppendUint32([]byte{30}, 2048)); !errors.Is(err, ErrUnexpected) {
		t.Errorf("old request: %v", err)
	}
	for what, bad := range mangled(request(2048, 3072, 8192)) {
		_, s := begin(t, gexName)
		if send, _, err := s.Step(testParams(), bad); err == nil || send != nil {
			t.Errorf("takes it: %s", what)
		}
	}
	_, s = begin(t, gexName)
	if _, _, err := s.Step(testParams(), request(2048, 2048, 2048)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Step(testParams(), request(2048, 2048, 2048)); !errors.Is(err, ErrUnexpected) {
		t.Errorf("second request: %v", err)
	}
}

func TestGexServerChooses(t *testing.T) {
	for _, v := range []struct {
		least, prefer, most uint32
		bits                int
	}{
		{2048, 2048, 8192, 2048},
		{1024, 1024, 8192, 2048}, // clamped, as OpenSSH does
		{2048, 2049, 8192, 4096},
		{2048, 3072, 8192, 4096},
		{2048, 3072, 4095, 2048}, // the largest there is
		{2048, 8192, 8192, 8192},
		{2048, 8192, 1 << 31, 8192},
		{2048, 1 << 31, 1 << 31, 8192},
		{4096, 4096, 4096, 4096},
	} {
		_, s := begin(t, gexName)
		msg, _, err := s.Step(nil, request(v.least, v.prefer, v.most))
		if err != nil {
			t.Errorf("%v: %v", v, err)
			continue
		}
		r := wire.NewReader(msg[1:])
		p, g := r.Mpint(), r.Mpint()
		if err := r.End(); err != nil || msg[0] != msgGexGroup || g.Cmp(num(2)) != 0 || p.BitLen() != v.bits {
			t.Errorf("%v: %d bits, %v", v, p.BitLen(), err)
		}
	}
}

// badModuli breaks the promise of Choose.
type badModuli struct{ p, g *big.Int }

func (m badModuli) Choose(_, _, _ int) (p, g *big.Int, err error) { return m.p, m.g, nil }

func TestGexServerDistrustsModuli(t *testing.T) {
	for what, m := range map[string]badModuli{
		"nil":          {},
		"small":        {num(23), num(2)},
		"too large":    {primeOf("group18"), num(2)},
		"trivial g":    {primeOf("group14"), num(1)},
		"even modulus": {plus(primeOf("group14"), -1), num(2)},
	} {
		s, err := NewServer(gexName, nil, m)
		if err != nil {
			t.Fatal(err)
		}
		if send, _, err := s.Step(nil, request(2048, 2048, 4096)); !errors.Is(err, ErrGroup) || send != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A group whose order is smooth lets a peer choose a value of small order: its
// secret is trivial and refused.
func TestTrivialSecret(t *testing.T) {
	d := fixedGroup{group14}.group()
	if _, err := d.secret(new(big.Int).Sub(d.p, num(1)), num(12345)); !errors.Is(err, ErrPublicValue) {
		t.Fatalf("secret of one: %v", err)
	}
}
