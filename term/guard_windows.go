package term

import (
	"os"
	"os/signal"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// watch gives the console back when it is closed or the process is ended. ^C,
// which no raw console should take for more than a key, goes to the keys again
// where one does.
func (g *Guard) watch() (stop func()) {
	signals := make(chan os.Signal, 8)
	done := make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for {
			select {
			case <-done:
				return
			case s := <-signals:
				if s == os.Interrupt && g.typeInterrupt() {
					continue
				}
				_ = g.leave()
				if !g.end(s) {
					os.Exit(255)
				}
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// typeInterrupt puts ^C among the keys of a raw console.
func (g *Guard) typeInterrupt() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == nil {
		return false // between Suspend and Resume it means what it always does
	}
	event := inputRecord{kind: keyEvent, down: 1, repeat: 1, key: 'C', char: 3, control: leftCtrl}
	var n uint32
	var ok uintptr
	write := windows.NewLazySystemDLL("kernel32.dll").NewProc("WriteConsoleInputW")
	err := control(g.file, func(fd int) {
		ok, _, _ = write.Call(uintptr(fd), uintptr(unsafe.Pointer(&event)), 1, uintptr(unsafe.Pointer(&n)))
	})
	return err == nil && ok != 0
}

// Stop does nothing: Windows has no stopped processes.
func (g *Guard) Stop() bool { return false }
