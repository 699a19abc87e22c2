package login_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/nacre-ssh/nacre/login"
)

// An accept loop asks before it reads anything.
func ExampleStartups() {
	most, _ := login.ParseMaxStartups("2")
	s, _ := login.NewStartups(login.StartupLimits{MaxStartups: most})
	from := netip.MustParseAddr("192.0.2.1")
	for range 3 {
		fmt.Println(s.Admit(from, time.Now()))
	}
	s.Done(from) // one of them has logged in
	fmt.Println(s.Admit(from, time.Now()))
	// Output:
	// <nil>
	// <nil>
	// too many connections have not logged in yet (MaxStartups)
	// <nil>
}
