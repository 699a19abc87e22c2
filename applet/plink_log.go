package applet

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/term"
)

// plinkVerbose is the level of what -v adds.
const plinkVerbose = config.LogDebug1

// The kinds of PuTTY's session log.
const (
	logNothing = iota
	logPrintable
	logAll
	logPackets
	logRaw
)

// A plinkLog is PuTTY's session log. A nil one takes everything and keeps
// nothing. Its methods may be called from any goroutine.
type plinkLog struct {
	mu   sync.Mutex
	file *os.File
	out  *bufio.Writer
	kind int
	tidy plainWriter // for logPrintable
}

// openLog opens the session's log; nil for none.
func (p *plinkRun) openLog() (*plinkLog, error) {
	kind := p.set.Int("LogType", logNothing)
	if kind < logPrintable || kind > logRaw {
		return nil, nil
	}
	name := p.text("LogFileName")
	if name == "" {
		name = "putty.log"
	}
	now := time.Now()
	name = logName(name, p.host, p.ssh.conf.Port, now)
	flags, ok := p.logFlags(name)
	if !ok {
		return nil, nil
	}
	f, err := os.OpenFile(name, flags, 0o600)
	if err != nil {
		return nil, plinkFatal(fmt.Sprintf("the log file %s can't be written: %s", name, door.Sentence(err)))
	}
	l := &plinkLog{file: f, out: bufio.NewWriter(f), kind: kind}
	l.tidy.to = l.out
	if p.on("LogHeader", true) {
		fmt.Fprintf(l.out, "=~=~=~=~=~=~=~=~=~=~=~= PuTTY log %s =~=~=~=~=~=~=~=~=~=~=~=\r\n", now.Format("2006.01.02 15:04:05"))
	}
	if kind >= logPackets {
		l.event("nacre writes events, and not the packets themselves")
		p.Errorf("plink: the log %s gets the events of the connection, not its packets", name)
	}
	return l, nil
}

// logFlags says how to open a log, as LogFileClash wants it where the file is
// there.
func (p *plinkRun) logFlags(name string) (flags int, ok bool) {
	flags = os.O_WRONLY | os.O_CREATE
	if _, err := os.Stat(name); err != nil {
		return flags, true
	}
	switch p.set.Int("LogFileClash", -1) {
	case 1:
		return flags | os.O_TRUNC, true
	case 0:
		return flags | os.O_APPEND, true
	}
	p.Errorf("The session log file \"%s\" already exists.\nYou can overwrite it with a new session log, append your\nsession log to the end of it, or disable session logging\nfor this session.", name)
	if p.line.batch {
		p.Errorf("Logging will not be enabled.")
		return 0, false
	}
	p.Errorf("Enter \"y\" to wipe the file, \"n\" to append to it, or just\npress Return to disable logging.")
	line, err := p.ReadInput("Wipe the log file? (y/n, Return cancels logging) ")
	switch {
	case err != nil || len(line) == 0:
		return 0, false
	case line[0] == 'y' || line[0] == 'Y':
		return flags | os.O_TRUNC, true
	case line[0] == 'n' || line[0] == 'N':
		return flags | os.O_APPEND, true
	}
	return 0, false
}

// logName writes out what stands for the time, the host and the port.
func logName(name, host string, port int, now time.Time) string {
	clean := strings.Map(func(c rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, c) || c < ' ' {
			return '-'
		}
		return c
	}, host)
	return strings.NewReplacer("&Y", now.Format("2006"), "&M", now.Format("01"), "&D", now.Format("02"), "&T", now.Format("150405"),
		"&H", clean, "&P", fmt.Sprint(port), "&&", "&",
		"&y", now.Format("2006"), "&m", now.Format("01"), "&d", now.Format("02"), "&t", now.Format("150405"),
		"&h", clean, "&p", fmt.Sprint(port)).Replace(name)
}

// event writes a line about the connection into a log of packets.
func (l *plinkLog) event(text string) {
	if l == nil || l.kind < logPackets {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, "Event Log: %s\r\n", term.Printable(text))
	l.out.Flush()
}

// Write takes what the session prints.
func (l *plinkLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.kind {
	case logPrintable:
		l.tidy.Write(b)
	case logAll:
		l.out.Write(b)
	}
	return len(b), l.out.Flush()
}

func (l *plinkLog) close() {
	if l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.out.Flush()
		l.file.Close()
	}
}

// output implements [manner]: what the program prints is cleaned where it goes
// to a terminal that it didn't ask for, and logged.
func (p *plinkRun) output(to *os.File) io.Writer {
	name := "stdout"
	if to == p.Stderr {
		name = "stderr"
	}
	clean, said := p.line.sanitise[name]
	if !said {
		clean = term.IsTerminal(to) && p.ssh.conf.RequestTTY == config.TTYNo
	}
	logs := p.log != nil && p.log.kind < logPackets
	if !clean && !logs {
		return bulkOutput(to)
	}
	var w io.Writer = to
	if clean {
		w = &plainWriter{to: to}
	}
	if logs {
		w = io.MultiWriter(w, p.log)
	}
	return slowWriter{w}
}

// A plainWriter leaves control characters out, but for line ends, carriage
// returns and tabs. A character may come in pieces.
type plainWriter struct {
	to   io.Writer
	rest []byte // the beginning of a character
}

// Write implements io.Writer.
func (w *plainWriter) Write(b []byte) (int, error) {
	n := len(b)
	b = append(w.rest, b...)
	var out []byte
	for len(b) > 0 {
		c, size := utf8.DecodeRune(b)
		if c == utf8.RuneError && size == 1 {
			if !utf8.FullRune(b) {
				break
			}
		} else if !unicode.IsControl(c) || c == '\n' || c == '\r' || c == '\t' {
			out = append(out, b[:size]...)
		}
		b = b[size:]
	}
	w.rest = append([]byte(nil), b...)
	_, err := w.to.Write(out)
	return n, err
}

// plainText leaves control characters out of a text.
func plainText(text string) string {
	var b strings.Builder
	(&plainWriter{to: &b}).Write([]byte(text))
	return b.String()
}
