package sshfp

import (
	"errors"
	"fmt"

	"golang.org/x/net/dns/dnsmessage"
)

// Limits of ours.
const (
	// maxRecords caps the records of an answer: a host has a few keys, each
	// with two digests.
	maxRecords = 64
	// maxDigest caps a digest, in bytes; the known ones have 20 and 32.
	maxDigest = 128
	// udpSize is the datagram that may be sent to us, in bytes: one that isn't
	// cut to pieces on the way (RFC 9715, section 3.1, and glibc's).
	udpSize = 1232
)

var (
	errTruncated = errors.New("the answer is cut short")
	errForeign   = errors.New("the answer is to another question")
)

// A codeError is a name server that doesn't answer the question.
type codeError struct{ code dnsmessage.RCode }

func (e *codeError) Error() string {
	for _, row := range [...]struct {
		code dnsmessage.RCode
		text string
	}{
		{dnsmessage.RCodeNameError, "name does not exist"},
		{dnsmessage.RCodeServerFailure, "the name server could not answer (a DNSSEC signature that is wrong looks like this)"},
		{dnsmessage.RCodeRefused, "the name server refuses to answer"},
	} {
		if row.code == e.code {
			return row.text
		}
	}
	return fmt.Sprintf("the name server answers with code %d", e.code)
}

// question is the query for a name's SSHFP records, which asks that DNSSEC be
// checked: the AD bit (RFC 6840, section 5.7) and the DO bit (RFC 4035,
// section 3.2.1).
func question(id uint16, name dnsmessage.Name) ([]byte, error) {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: id, RecursionDesired: true, AuthenticData: true})
	var opt dnsmessage.ResourceHeader
	err := errors.Join(
		opt.SetEDNS0(udpSize, dnsmessage.RCodeSuccess, true),
		b.StartQuestions(),
		b.Question(dnsmessage.Question{Name: name, Type: Type, Class: dnsmessage.ClassINET}),
		b.StartAdditionals(),
		b.OPTResource(opt, dnsmessage.OPTResource{}),
	)
	if err != nil {
		return nil, err
	}
	return b.Finish()
}

// parseAnswer reads the answer to a question: the records, and the server's word
// that it has checked them. The records are copies.
func parseAnswer(msg []byte, id uint16, name dnsmessage.Name) (records []Record, checked bool, err error) {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil || !h.Response || h.ID != id {
		return nil, false, errForeign
	}
	asked, err := p.AllQuestions()
	if err != nil || len(asked) != 1 || !sameName(asked[0].Name, name) || asked[0].Type != Type || asked[0].Class != dnsmessage.ClassINET {
		return nil, false, errForeign
	}
	switch {
	case h.Truncated:
		return nil, false, errTruncated
	case h.RCode != dnsmessage.RCodeSuccess:
		return nil, false, &codeError{h.RCode}
	}
	records, err = parseRecords(&p)
	return records, h.AuthenticData, err
}

// parseRecords reads the answer section. Who follows a CNAME answers with
// records of another name: the type says what they are.
func parseRecords(p *dnsmessage.Parser) ([]Record, error) {
	var records []Record
	for {
		h, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Type != Type || h.Class != dnsmessage.ClassINET {
			if err := p.SkipAnswer(); err != nil {
				return nil, err
			}
			continue
		}
		r, err := p.UnknownResource()
		if err != nil {
			return nil, err
		}
		if len(r.Data) < 2 || len(r.Data)-2 > maxDigest {
			continue // badly formed ones are ignored, as in OpenSSH
		}
		if len(records) == maxRecords {
			return nil, fmt.Errorf("the answer has more than %d SSHFP records", maxRecords)
		}
		records = append(records, Record{r.Data[0], r.Data[1], r.Data[2:]})
	}
}

// sameName compares without regard to case, which some servers change.
func sameName(a, b dnsmessage.Name) bool {
	if a.Length != b.Length {
		return false
	}
	for i := range a.Data[:a.Length] {
		if lower(a.Data[i]) != lower(b.Data[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
