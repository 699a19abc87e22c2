package login

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/wire"
)

// Restrictions are what the options of an authorized_keys line leave a key
// (sshd(8), AUTHORIZED_KEYS FILE FORMAT). The zero value restricts nothing. It
// is a plain value that nobody changes after the line was read.
type Restrictions struct {
	// Command is run instead of what the client asks for; empty means no
	// forced command.
	Command string
	// Environment holds NAME=value, in order; it counts only where the server
	// permits it (PermitUserEnvironment).
	Environment []string
	// From is the pattern list that the client's address must match.
	From string
	// Expires is the moment from which the key is refused; zero means never.
	Expires time.Time

	NoPTY, NoPortForwarding, NoAgentForwarding, NoX11Forwarding, NoUserRC bool
	// NoTunnel leaves no network device, and Tunnel one alone, by its number
	// where HasTunnel is set.
	NoTunnel, HasTunnel bool
	Tunnel              int
	// NoTouchRequired and VerifyRequired are for keys on security tokens.
	NoTouchRequired, VerifyRequired bool
	// PermitOpen and PermitListen hold host:port, either part "*"; empty means
	// anywhere.
	PermitOpen, PermitListen []string

	ca         bool // the line is for certificates that this key signed
	principals []string
}

// keyOption is one row of the option table.
type keyOption struct {
	name string
	flag func(r *Restrictions, on bool)            // takes no value; "no-" turns it off
	set  func(r *Restrictions, value string) error // takes a value
	only bool                                      // a flag without a "no-" form
}

// keyOptions is the table of sshd(8).
func keyOptions() []keyOption {
	return []keyOption{
		{name: "restrict", only: true, flag: func(r *Restrictions, _ bool) { r.restrict() }},
		{name: "cert-authority", only: true, flag: func(r *Restrictions, on bool) { r.ca = on }},
		{name: "pty", flag: func(r *Restrictions, on bool) { r.NoPTY = !on }},
		{name: "port-forwarding", flag: func(r *Restrictions, on bool) { r.NoPortForwarding = !on }},
		{name: "agent-forwarding", flag: func(r *Restrictions, on bool) { r.NoAgentForwarding = !on }},
		{name: "x11-forwarding", flag: func(r *Restrictions, on bool) { r.NoX11Forwarding = !on }},
		{name: "user-rc", flag: func(r *Restrictions, on bool) { r.NoUserRC = !on }},
		{name: "touch-required", flag: func(r *Restrictions, on bool) { r.NoTouchRequired = !on }},
		{name: "verify-required", flag: func(r *Restrictions, on bool) { r.VerifyRequired = on }},
		{name: "command", set: once(func(r *Restrictions) *string { return &r.Command })},
		{name: "from", set: setFrom},
		{name: "principals", set: setPrincipals},
		{name: "expiry-time", set: setExpiry},
		{name: "environment", set: addEnvironment},
		{name: "permitopen", set: func(r *Restrictions, v string) error { return addPermit(&r.PermitOpen, v, false) }},
		{name: "permitlisten", set: func(r *Restrictions, v string) error { return addPermit(&r.PermitListen, v, true) }},
		{name: "tunnel", set: setTunnel},
	}
}

// NewRestrictions turns the options of a line into restrictions. An option that
// is unknown, malformed or given twice where once is meant is an error: the line
// must then be refused.
func NewRestrictions(options []keyfile.Option) (*Restrictions, error) {
	if len(options) > maxOptions {
		return nil, errors.New("too many options")
	}
	r, table := new(Restrictions), keyOptions()
	for _, o := range options {
		if err := r.apply(table, o); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *Restrictions) apply(table []keyOption, o keyfile.Option) error {
	name := strings.ToLower(o.Name)
	positive, negated := strings.CutPrefix(name, "no-")
	for _, row := range table {
		switch {
		case row.set != nil && row.name == name:
			if o.Value == "" || strings.IndexByte(o.Value, 0) >= 0 {
				return fmt.Errorf("option %q has no proper value", name)
			}
			if err := row.set(r, o.Value); err != nil {
				return fmt.Errorf("option %q: %w", name, err)
			}
			return nil
		case row.flag != nil && !o.HasValue && row.name == name:
			row.flag(r, true)
			return nil
		case row.flag != nil && !o.HasValue && negated && !row.only && row.name == positive:
			row.flag(r, false)
			return nil
		}
	}
	return fmt.Errorf("unknown option %q", o.Name)
}

func (r *Restrictions) restrict() {
	r.NoPTY, r.NoPortForwarding, r.NoAgentForwarding, r.NoX11Forwarding, r.NoUserRC = true, true, true, true, true
	r.NoTunnel = !r.HasTunnel
}

// Permit says whether the restrictions let a client at this address in now. It
// must be asked at the end of every authentication, whatever the method.
func (r *Restrictions) Permit(from netip.Addr, now time.Time) error {
	if !r.Expires.IsZero() && !now.Before(r.Expires) {
		return fmt.Errorf("key expired at %s", r.Expires.UTC().Format(time.RFC3339))
	}
	if r.From == "" {
		return nil
	}
	ok, err := MatchAddress(from, r.From)
	if err != nil {
		return fmt.Errorf("option \"from\": %w", err)
	}
	if !ok {
		return fmt.Errorf("correct key, but not from a permitted host (%s)", from)
	}
	return nil
}

func once(field func(*Restrictions) *string) func(*Restrictions, string) error {
	return func(r *Restrictions, value string) error {
		p := field(r)
		if *p != "" {
			return errors.New("given twice")
		}
		*p = value
		return nil
	}
}

func setFrom(r *Restrictions, value string) error {
	if _, err := MatchAddress(netip.IPv4Unspecified(), value); err != nil {
		return err
	}
	return once(func(r *Restrictions) *string { return &r.From })(r, value)
}

func setPrincipals(r *Restrictions, value string) error {
	if r.principals != nil {
		return errors.New("given twice")
	}
	r.principals = strings.Split(value, ",")
	return nil
}

// setExpiry takes the earliest of several.
func setExpiry(r *Restrictions, value string) error {
	t, err := parseTime(value)
	if err != nil {
		return err
	}
	if r.Expires.IsZero() || t.Before(r.Expires) {
		r.Expires = t
	}
	return nil
}

// parseTime reads YYYYMMDD[HHMM[SS]][Z], local time without the Z (sshd(8)).
func parseTime(s string) (time.Time, error) {
	digits, utc := strings.CutSuffix(s, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	layout := map[int]string{8: "20060102", 12: "200601021504", 14: "20060102150405"}[len(digits)]
	t, err := time.ParseInLocation(layout, digits, zone)
	if layout == "" || err != nil || t.Unix() <= 0 {
		return time.Time{}, fmt.Errorf("%q is no time: want YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, and Z for UTC", s)
	}
	return t, nil
}

// addEnvironment keeps the first value of a name, as sshd does.
func addEnvironment(r *Restrictions, value string) error {
	name, _, ok := strings.Cut(value, "=")
	if !ok || !variableName(name) {
		return fmt.Errorf("%q is not NAME=value", value)
	}
	if slices.ContainsFunc(r.Environment, func(v string) bool { return strings.HasPrefix(v, name+"=") }) {
		return nil
	}
	return addTo(&r.Environment, value)
}

func addPermit(list *[]string, value string, barePort bool) error {
	if barePort && !strings.Contains(value, ":") {
		value = "*:" + value
	}
	host, port, ok := cutPort(value)
	if !ok || !permitHost(host) || !permitPort(port) {
		return fmt.Errorf("%q is not host:port", value)
	}
	return addTo(list, host+":"+port)
}

func addTo(list *[]string, value string) error {
	if len(*list) >= maxOptionList {
		return errors.New("given too often")
	}
	*list = append(*list, value)
	return nil
}

// cutPort cuts host:port or [host]:port; the brackets stay.
func cutPort(s string) (host, port string, ok bool) {
	if strings.HasPrefix(s, "[") {
		host, port, ok = strings.Cut(s, "]:")
		return host + "]", port, ok
	}
	return strings.Cut(s, ":")
}

func permitHost(host string) bool {
	return host != "" && host != "[]" && len(host) <= 1024 && !strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

func permitPort(port string) bool {
	if port == "*" {
		return true
	}
	n, ok := number(port)
	return ok && n >= 1 && n <= 65535
}

func setTunnel(r *Restrictions, v string) error {
	n, ok := number(v)
	switch {
	case v == "any":
		r.NoTunnel = false
		return nil
	case !ok:
		return fmt.Errorf("%q is no device number", v)
	case r.HasTunnel && r.Tunnel != n:
		return errors.New("given twice")
	}
	r.HasTunnel, r.Tunnel, r.NoTunnel = true, n, false // though restrict came before
	return nil
}

// number reads up to nine decimal digits.
func number(s string) (int, bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// Append appends r in a form that [ParseRestrictions] reads, for the policy that
// travels with a connection.
func (r *Restrictions) Append(b []byte) []byte {
	b = wire.AppendString(b, r.Command)
	b = wire.AppendString(b, r.From)
	var expires uint64
	if !r.Expires.IsZero() {
		expires = uint64(r.Expires.Unix())
	}
	b = wire.AppendUint64(b, expires)
	b = wire.AppendUint32(b, uint32(r.Tunnel))
	for _, f := range r.flags() {
		b = wire.AppendBool(b, *f)
	}
	for _, list := range r.lists() {
		b = wire.AppendUint32(b, uint32(len(*list)))
		for _, s := range *list {
			b = wire.AppendString(b, s)
		}
	}
	return b
}

func (r *Restrictions) flags() [9]*bool {
	return [9]*bool{&r.NoTunnel, &r.HasTunnel, &r.NoPTY, &r.NoPortForwarding, &r.NoAgentForwarding, &r.NoX11Forwarding, &r.NoUserRC, &r.NoTouchRequired, &r.VerifyRequired}
}

func (r *Restrictions) lists() [3]*[]string {
	return [3]*[]string{&r.Environment, &r.PermitOpen, &r.PermitListen}
}

// ParseRestrictions reads what [Restrictions.Append] wrote; b must hold nothing
// else.
func ParseRestrictions(b []byte) (*Restrictions, error) {
	rd, r := wire.NewReader(b), new(Restrictions)
	r.Command = string(rd.Bytes())
	r.From = string(rd.Bytes())
	if t := rd.Uint64(); t != 0 {
		r.Expires = time.Unix(int64(t), 0)
	}
	r.Tunnel = int(rd.Uint32())
	for _, f := range r.flags() {
		*f = rd.Bool()
	}
	for _, list := range r.lists() {
		n := rd.Uint32()
		if n > maxOptionList {
			return nil, errors.New("restrictions: list is too long")
		}
		for range n {
			*list = append(*list, string(rd.Bytes()))
		}
	}
	if err := rd.End(); err != nil {
		return nil, fmt.Errorf("restrictions: %w", err)
	}
	return r, nil
}
