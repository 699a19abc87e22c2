package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A pageantConn is a connection of messages to Pageant's window: each request
// that is written is answered before Write returns.
type pageantConn struct {
	api   *user32
	reply []byte
}

// dialPageant finds the window.
func dialPageant() (io.ReadWriteCloser, error) {
	c := &pageantConn{api: newUser32()}
	if c.window() == 0 {
		return nil, errors.New("no Pageant is running")
	}
	return c, nil
}

func (c *pageantConn) window() uintptr {
	name := windows.StringToUTF16Ptr(pageantWindow)
	hwnd, _, _ := c.api.find.Call(uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(name)))
	return hwnd
}

func (c *pageantConn) Read(b []byte) (int, error) {
	if len(c.reply) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.reply)
	c.reply = c.reply[n:]
	return n, nil
}

func (c *pageantConn) Close() error { return nil }

// Write sends one whole message.
func (c *pageantConn) Write(b []byte) (int, error) {
	if len(b) > mappingSize {
		return 0, fmt.Errorf("message has %d bytes, at most %d are sent to Pageant", len(b), mappingSize)
	}
	runtime.LockOSThread() // the name is the thread's
	defer runtime.UnlockOSThread()
	name := append([]byte(fmt.Sprintf("PageantRequest%08x", windows.GetCurrentThreadId())), 0)
	wide := windows.StringToUTF16Ptr(string(name[:len(name)-1]))
	own, err := ownAttributes()
	if err != nil {
		return 0, err
	}
	mapping, err := windows.CreateFileMapping(windows.InvalidHandle, own, windows.PAGE_READWRITE, 0, mappingSize, wide)
	if err != nil {
		return 0, err
	}
	defer windows.CloseHandle(mapping)
	at, err := windows.MapViewOfFile(mapping, windows.FILE_MAP_WRITE, 0, 0, 0)
	if err != nil {
		return 0, err
	}
	defer windows.UnmapViewOfFile(at)
	view := unsafe.Slice((*byte)(pointerAt(at)), mappingSize)
	defer clear(view)
	copy(view, b)
	if !c.post(name) {
		return 0, errors.New("Pageant didn't take the request")
	}
	size := binary.BigEndian.Uint32(view)
	if int(size) > mappingSize-4 {
		return 0, errors.New("Pageant's answer is too long")
	}
	c.reply = append([]byte(nil), view[:4+size]...)
	return len(b), nil
}

// ownAttributes make an object this user's, by which Pageant knows it, even
// where an administrator's belong to their group.
func ownAttributes() (*windows.SecurityAttributes, error) {
	sid, err := ownSID()
	if err != nil {
		return nil, err
	}
	sd, err := windows.SecurityDescriptorFromString("O:" + sid.String() + "D:P(A;;GA;;;" + sid.String() + ")")
	if err != nil {
		return nil, err
	}
	a := &windows.SecurityAttributes{SecurityDescriptor: sd}
	a.Length = uint32(unsafe.Sizeof(*a))
	return a, nil
}

// post tells the window the name of a mapping, and whether it was answered.
func (c *pageantConn) post(name []byte) bool {
	data := copyData{copyDataID, uint32(len(name)), unsafe.Pointer(&name[0])}
	hwnd := c.window()
	if hwnd == 0 {
		return false
	}
	ok, _, _ := c.api.send.Call(hwnd, wmCopyData, 0, uintptr(unsafe.Pointer(&data)))
	return ok != 0
}
