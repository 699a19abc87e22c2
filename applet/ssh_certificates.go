package applet

import (
	"bytes"
	"slices"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// A certFile is a user's certificate with the file that holds it.
type certFile struct {
	path        string
	certificate *cert.Certificate
}

// readCertFile returns nil where there is no certificate of a user.
func readCertFile(path string) *certFile {
	text, err := door.ReadCapped(path)
	if err != nil {
		return nil
	}
	k, _, err := cert.ParseFile(text)
	if c, ok := k.(*cert.Certificate); ok && err == nil && c.Kind == cert.User {
		return &certFile{path, c}
	}
	return nil
}

// certificateFiles reads CertificateFile's.
func (r *sshRun) certificateFiles() ([]certFile, error) {
	paths, err := r.conf.CertificateFiles()
	if err != nil {
		return nil, err
	}
	var files []certFile
	for _, path := range paths {
		c := readCertFile(path)
		if c == nil {
			r.say(config.LogError, "Certificate file %s can't be used: it is not there, or holds no certificate of a user", term.Printable(path))
			continue
		}
		files = append(files, *c)
	}
	return files, nil
}

// readCertInside returns nil where a private key file holds no certificate of a
// user beside its key: PuTTY's may.
func readCertInside(path string) *certFile {
	text, err := door.ReadCapped(path)
	if err != nil {
		return nil
	}
	defer clear(text)
	c, err := cert.Parse(keyfile.CertificateIn(text))
	if err != nil || c.Kind != cert.User {
		return nil
	}
	return &certFile{path, c}
}

// certificatesFor are the certificates of a key: those of CertificateFile, or,
// where that is not set, the one beside the key's file; and the one in it.
func (k *sshKeys) certificatesFor(path string, public key.Public) (explicit, beside []certFile) {
	for _, c := range k.certs {
		if key.Equal(c.certificate.Key, public) {
			explicit = append(explicit, c)
		}
	}
	if c := readCertInside(path); c != nil && key.Equal(c.certificate.Key, public) {
		beside = append(beside, *c)
	}
	if len(k.run.conf.CertificateFile) > 0 {
		return explicit, beside
	}
	if c := readCertFile(path + "-cert.pub"); c != nil && key.Equal(c.certificate.Key, public) {
		beside = append(beside, *c)
	}
	return nil, beside
}

// withCertificates are identities that show certificates and sign as id does.
func withCertificates(certs []certFile, id auth.Identity) []auth.Identity {
	var list []auth.Identity
	for _, c := range certs {
		if s, err := cert.NewSigner(c.certificate, id.Signer); err == nil {
			list = append(list, auth.Identity{Signer: s, Source: c.path, Direct: id.Direct})
		}
	}
	return list
}

// fresh are the identities that were not offered yet.
func (k *sshKeys) fresh(list []auth.Identity) []auth.Identity {
	var kept []auth.Identity
	for _, id := range list {
		blob := id.Signer.Public().Blob()
		if !slices.ContainsFunc(k.offered, func(b []byte) bool { return bytes.Equal(b, blob) }) {
			k.offered = append(k.offered, blob)
			kept = append(kept, id)
		}
	}
	return kept
}

// agentCertificates are the certificates whose keys the agent has: those of
// CertificateFile, which are offered before everything else, those beside the
// identities' files, and those that the agent itself holds.
func (k *sshKeys) agentCertificates(c *agent.Client, list []agent.Identity) (explicit, beside, rest []auth.Identity) {
	for _, id := range list {
		public, err := cert.ParsePublic(id.Blob)
		if err != nil {
			continue
		}
		held, isCertificate := public.(*cert.Certificate)
		id.Key = cert.PlainKey(public)
		signer := auth.Identity{Signer: c.Signer(id)}
		for _, f := range k.certs {
			if key.Equal(f.certificate.Key, id.Key) {
				explicit = append(explicit, k.fresh(withCertificates([]certFile{f}, signer))...)
			}
		}
		for _, path := range k.files {
			_, found := k.certificatesFor(path, id.Key)
			beside = append(beside, k.fresh(withCertificates(found, signer))...)
		}
		if isCertificate && held.Kind == cert.User && !k.run.conf.IdentitiesOnly {
			own := certFile{term.Printable(id.Comment) + " agent", held}
			rest = append(rest, k.fresh(withCertificates([]certFile{own}, signer))...)
		}
	}
	return explicit, beside, rest
}
