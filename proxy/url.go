package proxy

import (
	"fmt"
	"net/url"
	"strconv"
)

// ParseURL reads scheme://[user[:password]@]host[:port]. Schemes are http,
// https, socks4, socks4a, socks5 and socks5h, which is the same as socks5: names
// are resolved by the proxy, with socks4 alone on this side. Without a port it is
// 3128, 443 or 1080.
func ParseURL(text string) (*Proxy, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return nil, fmt.Errorf("%q is no proxy: it is written http://user@host:3128, or with https, socks4, socks4a or socks5", withoutPassword(u, text))
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q has more than a proxy's address", withoutPassword(u, text))
	}
	if u.Scheme == "socks5h" || u.Scheme == "socks" {
		u.Scheme = "socks5"
	}
	p := &Proxy{Scheme: u.Scheme, Target: Target{Host: u.Hostname()}, User: u.User.Username()}
	p.Password, p.HasPassword = u.User.Password()
	if p.Port, err = portOf(u); err != nil {
		return nil, err
	}
	return p, p.Target.check()
}

func portOf(u *url.URL) (int, error) {
	for _, s := range schemes {
		switch {
		case s.name != u.Scheme:
		case u.Port() == "":
			return s.port, nil
		default:
			n, err := strconv.ParseUint(u.Port(), 10, 16)
			if err != nil || n == 0 {
				return 0, fmt.Errorf("%q is no port of a proxy", u.Port())
			}
			return int(n), nil
		}
	}
	return 0, fmt.Errorf("%q is no kind of proxy: there are http, https, socks4, socks4a and socks5", u.Scheme)
}

// withoutPassword is what may be shown of a URL.
func withoutPassword(u *url.URL, text string) string {
	switch {
	case u == nil: // it may hold one all the same
		return "the URL given"
	case u.User == nil:
		return text
	}
	return u.Redacted()
}
