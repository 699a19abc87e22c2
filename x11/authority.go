package x11

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
)

// A Cookie is what a client shows to a display: the name of a way to prove
// itself, and the proof.
type Cookie struct {
	Name string
	Data []byte // secret
}

// MagicCookie is the one way that is forwarded.
const MagicCookie = "MIT-MAGIC-COOKIE-1"

// Families of an entry's address: Xauth.h and X.h.
const (
	familyInternet  = 0
	familyInternet6 = 6
	familyLocal     = 256
	familyWild      = 65535
)

// Limits of ours.
const (
	maxAuthority = 1 << 20 // bytes of an Xauthority file
	maxCookie    = 256     // bytes of a name or of a cookie
)

// errAuthority says that a file ends in the middle of an entry.
var errAuthority = errors.New("the file of X cookies is damaged: an entry is cut off")

// An entry is one of an Xauthority file: five fields, each with its length
// (Xauth.h: family, address, display number, name, data).
type entry struct {
	family  uint16
	address string
	number  string
	cookie  Cookie
}

// readAuthority calls each for the entries of an Xauthority file until it
// returns false.
func readAuthority(r io.Reader, each func(entry) bool) error {
	in := bufio.NewReader(io.LimitReader(r, maxAuthority))
	for {
		var e entry
		var head [2]byte
		if _, err := io.ReadFull(in, head[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return errAuthority
		}
		e.family = binary.BigEndian.Uint16(head[:])
		var fields [4][]byte
		for i := range fields {
			if _, err := io.ReadFull(in, head[:]); err != nil {
				return errAuthority
			}
			fields[i] = make([]byte, binary.BigEndian.Uint16(head[:])) // 64 KiB at most
			if _, err := io.ReadFull(in, fields[i]); err != nil {
				return errAuthority
			}
		}
		e.address, e.number = string(fields[0]), string(fields[1])
		e.cookie = Cookie{string(fields[2]), fields[3]}
		if !each(e) {
			return nil
		}
	}
}

// FindCookie looks into an Xauthority file for the cookie of a display. The
// file is $XAUTHORITY, else ~/.Xauthority. ok is false where there is none.
func FindCookie(file string, d Display) (c Cookie, ok bool, err error) {
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return Cookie{}, false, nil
	}
	if err != nil {
		return Cookie{}, false, fmt.Errorf("reading the X cookies: %w", err)
	}
	defer f.Close()
	host, _ := os.Hostname() // without a name only entries for every host fit
	err = readAuthority(f, func(e entry) bool {
		ok = e.fits(d, host)
		if ok {
			c = e.cookie
		}
		return !ok
	})
	return c, ok, err
}

// fits reports whether an entry is for a display, seen from the machine host.
func (e *entry) fits(d Display, host string) bool {
	if e.cookie.Name != MagicCookie || len(e.cookie.Data) == 0 || len(e.cookie.Data) > maxCookie {
		return false
	}
	if e.number != "" && e.number != strconv.Itoa(d.Number) {
		return false
	}
	switch e.family {
	case familyWild:
		return true
	case familyLocal:
		return d.local() && e.address == host || e.address == d.Host && d.Host != ""
	case familyInternet, familyInternet6:
		at, ok := netip.AddrFromSlice([]byte(e.address))
		want, err := netip.ParseAddr(d.Host)
		return ok && err == nil && at.Unmap() == want.Unmap()
	}
	return false
}
