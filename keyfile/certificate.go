package keyfile

// CertificateIn returns the blob of the certificate that a private key file holds
// in the place of its public key, which only PuTTY's can; nil where there is
// none. Nothing is verified. The blob is a copy.
func CertificateIn(text []byte) []byte {
	if len(text) > MaxFile || !isPPK(text) {
		return nil
	}
	p, err := ParsePPK(text)
	if err != nil || !IsCertificate(p.Public) {
		return nil
	}
	return p.Public
}
