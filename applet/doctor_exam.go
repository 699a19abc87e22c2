package applet

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/transport"
)

// An exam is the examination of one host: what was found so far, for the causes
// to be recognised by.
type exam struct {
	run       *sshRun
	report    *doctorReport
	asks      bool     // there is a terminal to ask on
	forbidden bool     // BatchMode is the configuration's wish
	missing   []string // -i's files that are not there

	stage stage
	err   error // what ended the stage

	addrs  []netip.Addr
	dials  []dialed
	heard  *hearing
	silent string // what it is, where it said so only when it was asked
	told   bool   // the server's version was
	trust  error  // what the host key was found to be; nil where it is known
	conn   *transport.Conn
	keys   *keyFacts
	offers []offered
	said   []string // banners and the like
	secret bool     // a password was tried
	can    []string // methods that the server takes
	more   []string // methods that it wants after a first success
	skips  []offered
	prove  sessionFacts
	hop    *exam // the host in between that failed
}

func newExam(r *sshRun, report *doctorReport) *exam { return &exam{run: r, report: report} }

// A cause is one row of what can go wrong: how it is recognised, and what is
// said and advised.
type cause struct {
	name string // what tests call it
	at   stage
	fits func(x *exam) bool
	says func(x *exam) string
	cure func(x *exam) []remedy // nil: nothing to add
}

// causes are all rows; of those at a stage the first that fits is the cause.
func causes() []cause {
	var all []cause
	for _, part := range [][]cause{
		placeCauses(), connectCauses(), greetingCauses(), algorithmCauses(), hostKeyCauses(), endedCauses(),
		methodCauses(), keyFileCauses(), certificateCauses(), refusedCauses(), sessionCauses(),
	} {
		all = append(all, part...)
	}
	return all
}

// always is for the last row of a stage.
func always(*exam) bool { return true }

// failed ends the stage.
func (x *exam) failed(err error) error {
	x.err = err
	return err
}

// diagnose returns the cause.
func (x *exam) diagnose() cause {
	for _, c := range causes() {
		if c.at == x.stage && c.fits(x) {
			return c
		}
	}
	return cause{name: "unknown", at: x.stage, says: func(x *exam) string { return x.run.explain(x.err) }}
}

// verdict prints the cause and returns the exit code.
func (x *exam) verdict() int {
	if x.hop != nil {
		return x.hop.verdict()
	}
	s := stages()[x.stage]
	c := x.diagnose()
	text := c.says(x)
	x.report.problem(s.step, "%s", firstSentence(x.plainError(text)))
	var list []remedy
	if c.cure != nil {
		list = c.cure(x)
	}
	x.report.cause(c.name, text, list)
	return s.code
}

// plainError is what ended the stage in ssh's own words, which people search
// for; text where there are none.
func (x *exam) plainError(text string) string {
	switch {
	case x.err == nil, x.stage == atSession, errors.Is(x.err, errHostKey):
		return text
	case x.run.conf == nil:
		return x.err.Error()
	}
	said := x.run.explain(x.err)
	if x.stage < atLogin {
		said, _, _ = strings.Cut(said, " (") // its hint: the remedies say more
	}
	return said
}

func firstSentence(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// login does everything up to the moment when the user is logged in.
func (x *exam) login(ctx context.Context) (*client.Client, error) {
	nc, err := x.connect(ctx)
	if err != nil {
		return nil, x.failed(err)
	}
	x.stage = atGreeting
	r := x.run
	r.policy, r.update = newHostPolicy(r), newHostKeyUpdate()
	methods, err := r.methods()
	if err != nil {
		x.stage = atLogin
		return nil, x.failed(err)
	}
	cfg := x.clientConfig(methods)
	x.heard = &hearing{Conn: nc}
	ctx, cancel := x.bounded(ctx)
	defer cancel()
	c, err := client.New(ctx, x.heard, r.conf.HostName, r.conf.Port, cfg)
	if err != nil {
		x.settleStage(err)
		x.askAnew(ctx)
		return nil, x.failed(err)
	}
	x.report.ok("login", "%s", x.howIn(c))
	return c, nil
}

// maxLogin is how long a login may take where nobody is asked anything: keys may
// want to be touched.
const maxLogin = time.Minute

func (x *exam) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if x.asks {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, maxLogin+2*x.run.conf.ConnectTimeout)
}

// clientConfig is ssh's, but that nothing is remembered, and that everything is
// listened to.
func (x *exam) clientConfig(methods []auth.ClientMethod) *client.Config {
	cfg := x.run.clientConfig(methods)
	cfg.Remember = ""
	cfg.HostKey = x.judgeHostKey
	cfg.Secured = x.secured
	cfg.Auth.Trace = x.trace
	cfg.Auth.Banner = x.banner
	cfg.Mux.Global = nil
	return cfg
}

// settleStage says how far client.New came.
func (x *exam) settleStage(err error) {
	var key *transport.HostKeyError
	var negotiation *transport.NegotiationError
	switch {
	case x.conn != nil:
		x.stage = atLogin
	case errors.As(err, &key):
		x.stage = atHostKey
	case errors.As(err, &negotiation), x.heard.version() != "":
		x.stage = atKeyExchange
		x.tellServer()
	}
}

// tellServer says once what the server is.
func (x *exam) tellServer() {
	if version := x.heard.version(); version != "" && !x.told {
		x.told = true
		x.report.ok("server", "it is %s", excerpt(version))
	}
}

// secured is client.Config's: keys are made, the login begins.
func (x *exam) secured(conn *transport.Conn) {
	x.conn = conn
	n := conn.Negotiated()
	x.report.ok("encryption", "%s, %s", n.Kex, n.Out.Cipher)
	x.keys = x.findKeys()
	x.keys.tell(x)
}

// A hearing is a connection whose first bytes are kept: they say what answers
// when it is no SSH server.
type hearing struct {
	net.Conn
	first []byte
}

// maxHeard is how many bytes are kept.
const maxHeard = 2048

// strangerTime is how long something that doesn't look like SSH may go on: it
// waits for us, too.
const strangerTime = time.Second

func (h *hearing) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	if room := maxHeard - len(h.first); room > 0 && n > 0 {
		fresh := len(h.first) == 0
		h.first = append(h.first, b[:min(n, room)]...)
		if fresh && looksLike(h.first) != "" {
			h.Conn.SetReadDeadline(time.Now().Add(strangerTime))
		}
	}
	return n, err
}

// CloseWrite passes the end of what is sent on, where that can be.
func (h *hearing) CloseWrite() error {
	if half, ok := h.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// gone says whether the other side ended the connection without a word.
func gone(err error) bool {
	var id *transport.IdentificationError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.As(err, &id) && id.Line == ""
}

// late says whether a step took too long.
func late(err error) bool {
	var timeout net.Error
	return errors.Is(err, client.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}
