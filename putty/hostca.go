package putty

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/nacre-ssh/nacre/key"
)

// A HostCA is an authority that may certify hosts.
type HostCA struct {
	Name string // for people
	Key  key.Public
	// Validity is the text of a [Validity]. One that can't be read makes the
	// record match nothing.
	Validity string
	// Which signatures of an RSA authority are taken.
	SHA1, SHA256, SHA512 bool
}

// Speaks says whether the authority may certify a host.
func (c HostCA) Speaks(host string, port int) bool {
	v, err := ParseValidity(c.Validity)
	return err == nil && v.Match(host, port)
}

// Takes says whether a signature algorithm of the authority is good enough.
func (c HostCA) Takes(algorithm string) bool {
	switch algorithm {
	case key.AlgRSASHA1:
		return c.SHA1
	case key.AlgRSASHA256:
		return c.SHA256
	case key.AlgRSASHA512:
		return c.SHA512
	}
	return key.TypeOf(algorithm) != ""
}

// LoadHostCA reads an authority's record.
func LoadHostCA(s Records, name string) (HostCA, error) {
	r, err := s.Load(HostCAs, name)
	if err != nil {
		return HostCA{}, err
	}
	c := HostCA{
		Name: name, Validity: validityOf(r),
		SHA1: r.Int("PermitRSASHA1", 0) != 0, SHA256: r.Int("PermitRSASHA256", 1) != 0, SHA512: r.Int("PermitRSASHA512", 1) != 0,
	}
	text, _ := r.Get("PublicKey")
	blob, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		c.Key, err = key.ParsePublic(blob)
	}
	if err != nil {
		return HostCA{}, fmt.Errorf("public key of the authority %q: %w", name, err)
	}
	return c, nil
}

// validityOf also reads what PuTTY wrote before 0.78: a list of wildcards.
func validityOf(r Record) string {
	if text, ok := r.Get("Validity"); ok {
		return Unescape(text)
	}
	return strings.Join(r.List("MatchHosts"), " || ")
}

// SaveHostCA writes an authority's record. It refuses a Validity that PuTTY
// could not read.
func SaveHostCA(s Records, c HostCA) error {
	if c.Name == "" {
		return fmt.Errorf("an authority needs a name")
	}
	if _, err := ParseValidity(c.Validity); err != nil {
		return err
	}
	var r Record
	r.Set("PublicKey", base64.StdEncoding.EncodeToString(c.Key.Blob()))
	r.Set("Validity", escapeValue(c.Validity))
	for _, permit := range []struct {
		name string
		on   bool
	}{{"PermitRSASHA1", c.SHA1}, {"PermitRSASHA256", c.SHA256}, {"PermitRSASHA512", c.SHA512}} {
		n := 0
		if permit.on {
			n = 1
		}
		r.SetInt(permit.name, n)
	}
	return s.Save(HostCAs, c.Name, r)
}

// LoadHostCAs reads all that can be read; broken names those that can't, which
// vouch for nobody.
func LoadHostCAs(s Records) (all []HostCA, broken []string, err error) {
	names, err := s.Names(HostCAs)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		c, err := LoadHostCA(s, name)
		if err != nil {
			broken = append(broken, name)
			continue
		}
		all = append(all, c)
	}
	return all, broken, nil
}
