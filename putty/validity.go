package putty

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Validity says for which hosts and ports an authority speaks:
//
//	*.example.com && !(port:2222 || www.*)
//
// A word is a wildcard for the host's name (* ? [a-z]), port:N or port:N-M a
// port. ! binds tightest; && and || are not mixed without parentheses. The zero
// Validity matches nothing, as does one that can't be read. It is immutable.
type Validity struct {
	text string
	root node
}

// A node is a part of an expression.
type node interface {
	match(host string, port int) bool
}

type (
	hostNode string
	portNode struct{ first, last int }
	notNode  struct{ of node }
	allNode  []node
	anyNode  []node
)

func (n hostNode) match(host string, _ int) bool   { return matchWild(string(n), host) }
func (n portNode) match(_ string, port int) bool   { return port >= n.first && port <= n.last }
func (n notNode) match(host string, port int) bool { return !n.of.match(host, port) }

func (n allNode) match(host string, port int) bool {
	for _, part := range n {
		if !part.match(host, port) {
			return false
		}
	}
	return true
}

func (n anyNode) match(host string, port int) bool {
	for _, part := range n {
		if part.match(host, port) {
			return true
		}
	}
	return false
}

// ParseValidity reads an expression.
func ParseValidity(text string) (Validity, error) {
	if len(text) > MaxExpression {
		return Validity{}, fmt.Errorf("validity expression has %d bytes, at most %d are read", len(text), MaxExpression)
	}
	p := &validityParser{text: text}
	root, err := p.either(0)
	if err == nil && p.next() != "" {
		err = fmt.Errorf("%q is not expected there", p.next())
	}
	if err != nil {
		return Validity{}, fmt.Errorf("validity expression %.100q: %w", text, err)
	}
	return Validity{text, root}, nil
}

// String is the expression as it was written.
func (v Validity) String() string { return v.text }

// Match says whether the expression is true for a host.
func (v Validity) Match(host string, port int) bool {
	return v.root != nil && v.root.match(host, port)
}

// A validityParser walks through the words of an expression.
type validityParser struct {
	text string
	at   int
}

var (
	errWord  = errors.New("it has a character that has no meaning there")
	errMixed = errors.New("&& and || need parentheses between them")
	errDeep  = errors.New("its parentheses go too deep")
)

// next is the word at hand: a sign, an atom, a character that is neither, or ""
// at the end.
func (p *validityParser) next() string {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n\f\v", p.text[p.at]) >= 0 {
		p.at++
	}
	rest := p.text[p.at:]
	for _, sign := range [...]string{"&&", "||", "(", ")", "!"} {
		if strings.HasPrefix(rest, sign) {
			return sign
		}
	}
	n := 0
	for n < len(rest) && isAtom(rest[n]) {
		n++
	}
	if n == 0 && rest != "" {
		n = 1
	}
	return rest[:n]
}

func isAtom(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte(`.-_*?[]/:`, c) >= 0
}

// take steps over a word if it is the next.
func (p *validityParser) take(word string) bool {
	if word == "" || p.next() != word {
		return false
	}
	p.at += len(word)
	return true
}

// either is a row of && or a row of ||.
func (p *validityParser) either(depth int) (node, error) {
	first, err := p.single(depth)
	if err != nil {
		return nil, err
	}
	parts := []node{first}
	sign := p.next()
	if sign != "&&" && sign != "||" {
		return first, nil
	}
	for p.take(sign) {
		part, err := p.single(depth)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	if other := p.next(); other == "&&" || other == "||" {
		return nil, errMixed
	}
	if sign == "&&" {
		return allNode(parts), nil
	}
	return anyNode(parts), nil
}

func (p *validityParser) single(depth int) (node, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	if p.take("!") {
		part, err := p.single(depth + 1)
		return notNode{part}, err
	}
	if p.take("(") {
		part, err := p.either(depth + 1)
		if err == nil && !p.take(")") {
			err = errors.New("a parenthesis is not closed")
		}
		return part, err
	}
	word := p.next()
	if word == "" {
		return nil, errors.New("it ends too early")
	}
	if !isAtom(word[0]) {
		return nil, errWord
	}
	p.at += len(word)
	return parseAtom(word)
}

func parseAtom(word string) (node, error) {
	if ports, ok := strings.CutPrefix(word, "port:"); ok {
		return parsePorts(ports)
	}
	if strings.ContainsAny(word, ":/") {
		return nil, fmt.Errorf("%q is reserved", word)
	}
	return hostNode(word), nil
}

func parsePorts(text string) (node, error) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	low, err1 := strconv.ParseUint(first, 10, 16)
	high, err2 := strconv.ParseUint(last, 10, 16)
	if err1 != nil || err2 != nil || low > high {
		return nil, fmt.Errorf("port:%s is no port and no range", text)
	}
	return portNode{int(low), int(high)}, nil
}
