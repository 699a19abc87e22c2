package agent

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Pageant's window: a client makes a file mapping with its request in it and
// sends the window the mapping's name; the answer stands in the mapping when the
// message returns.
const (
	pageantWindow = "Pageant"  // the class, and the title
	copyDataID    = 0x804e50ba // "this is an agent's request"
	mappingSize   = 262144     // AGENT_MAX_MSGLEN
	mappingName   = 64         // longest that is taken
)

// Of winuser.h and accctrl.h.
const (
	wmDestroy  = 0x0002
	wmClose    = 0x0010
	wmCopyData = 0x004a
)

type copyData struct {
	id   uintptr
	size uint32
	data unsafe.Pointer
}

type windowClass struct {
	size, style                        uint32
	proc                               uintptr
	classExtra, windowExtra            int32
	instance, icon, cursor, background windows.Handle
	menu, name                         *uint16
	iconSmall                          windows.Handle
}

type windowMessage struct {
	window  windows.HWND
	message uint32
	w, l    uintptr
	time    uint32
	x, y    int32
	private uint32
}

// user32 is what a window needs.
type user32 struct {
	registerClass, createWindow, defProc, getMessage, dispatch,
	destroy, post, quit, find, send *windows.LazyProc
}

func newUser32() *user32 {
	dll := windows.NewLazySystemDLL("user32.dll")
	return &user32{
		dll.NewProc("RegisterClassExW"), dll.NewProc("CreateWindowExW"), dll.NewProc("DefWindowProcW"),
		dll.NewProc("GetMessageW"), dll.NewProc("DispatchMessageW"), dll.NewProc("DestroyWindow"),
		dll.NewProc("PostMessageW"), dll.NewProc("PostQuitMessage"), dll.NewProc("FindWindowW"), dll.NewProc("SendMessageW"),
	}
}

// ErrPageant says that another Pageant has the window.
var ErrPageant = errors.New("another Pageant is running")

// A pageantServer answers at a window. A process has one, as it has one class of
// that name.
type pageantServer struct {
	api   *user32
	ctx   context.Context
	keys  Keyring
	owner *windows.SID
	ready chan error
	hwnd  uintptr
}

// ServePageant answers at Pageant's window until ctx ends. It calls ready when
// the window is there.
func ServePageant(ctx context.Context, k Keyring, ready func()) error {
	owner, err := ownSID()
	if err != nil {
		return fmt.Errorf("serve Pageant's window: %w", err)
	}
	s := &pageantServer{api: newUser32(), ctx: ctx, keys: k, owner: owner, ready: make(chan error, 1)}
	if s.find() != 0 {
		return ErrPageant
	}
	var wait sync.WaitGroup
	wait.Go(s.loop)
	defer wait.Wait()
	if err := <-s.ready; err != nil {
		return fmt.Errorf("serve Pageant's window: %w", err)
	}
	if ready != nil {
		ready()
	}
	<-ctx.Done()
	s.api.post.Call(s.hwnd, wmClose, 0, 0)
	return nil
}

func (s *pageantServer) find() uintptr {
	name := windows.StringToUTF16Ptr(pageantWindow)
	hwnd, _, _ := s.api.find.Call(uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(name)))
	return hwnd
}

// loop owns the window: a window belongs to the thread that made it.
func (s *pageantServer) loop() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	name := windows.StringToUTF16Ptr(pageantWindow)
	var self windows.Handle
	_ = windows.GetModuleHandleEx(0, nil, &self)
	class := windowClass{proc: windows.NewCallback(s.message), instance: self, name: name}
	class.size = uint32(unsafe.Sizeof(class))
	if atom, _, err := s.api.registerClass.Call(uintptr(unsafe.Pointer(&class))); atom == 0 && err != windows.ERROR_CLASS_ALREADY_EXISTS {
		s.ready <- err
		return
	}
	hwnd, _, err := s.api.createWindow.Call(0, uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(name)),
		0, 0, 0, 100, 100, 0, 0, uintptr(self), 0)
	if hwnd == 0 {
		s.ready <- err
		return
	}
	s.hwnd = hwnd
	s.ready <- nil
	var m windowMessage
	for {
		more, _, _ := s.api.getMessage.Call(uintptr(unsafe.Pointer(&m)), 0, 0, 0)
		if int32(more) <= 0 {
			return
		}
		s.api.dispatch.Call(uintptr(unsafe.Pointer(&m)))
	}
}

// message is the window's procedure.
func (s *pageantServer) message(hwnd uintptr, message uint32, w uintptr, l unsafe.Pointer) uintptr {
	switch message {
	case wmCopyData:
		if s.request((*copyData)(l)) != nil {
			return 0
		}
		return 1
	case wmClose:
		s.api.destroy.Call(hwnd)
		return 0
	case wmDestroy:
		s.api.quit.Call(0)
		return 0
	}
	r, _, _ := s.api.defProc.Call(hwnd, uintptr(message), w, uintptr(l))
	return r
}

var errMapping = errors.New("mapping is not a request")

// request answers one message. The mapping must be this user's: anybody on the
// desktop can send messages.
func (s *pageantServer) request(data *copyData) error {
	if data == nil || data.id != copyDataID || data.size == 0 || data.size > mappingName || data.data == nil {
		return errMapping
	}
	name := unsafe.Slice((*byte)(data.data), data.size)
	if name[data.size-1] != 0 {
		return errMapping
	}
	mapping, err := openMapping(&name[0])
	if err != nil {
		return err
	}
	defer windows.CloseHandle(mapping)
	sd, err := windows.GetSecurityInfo(mapping, windows.SE_KERNEL_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return err
	}
	if owner, _, err := sd.Owner(); err != nil || owner == nil || !owner.Equals(s.owner) && !isDefaultOwner(owner) {
		return errMapping
	}
	return s.answerIn(mapping)
}

func openMapping(name *byte) (windows.Handle, error) {
	proc := windows.NewLazySystemDLL("kernel32.dll").NewProc("OpenFileMappingA")
	h, _, err := proc.Call(windows.FILE_MAP_READ|windows.FILE_MAP_WRITE|windows.READ_CONTROL, 0, uintptr(unsafe.Pointer(name)))
	if h == 0 {
		return 0, err
	}
	return windows.Handle(h), nil
}

// isDefaultOwner tells whether an administrator's objects, which belong to their
// group, are this user's.
func isDefaultOwner(owner *windows.SID) bool {
	var need uint32
	token := windows.GetCurrentProcessToken()
	buf := make([]byte, 256)
	if err := windows.GetTokenInformation(token, windows.TokenOwner, &buf[0], uint32(len(buf)), &need); err != nil {
		return false
	}
	return owner.Equals(*(**windows.SID)(unsafe.Pointer(&buf[0])))
}

// answerIn reads the request from a mapping and writes the answer over it.
func (s *pageantServer) answerIn(mapping windows.Handle) error {
	at, err := windows.MapViewOfFile(mapping, windows.FILE_MAP_READ|windows.FILE_MAP_WRITE, 0, 0, 0)
	if err != nil {
		return err
	}
	defer windows.UnmapViewOfFile(at)
	var info windows.MemoryBasicInformation
	if err := windows.VirtualQuery(at, &info, unsafe.Sizeof(info)); err != nil {
		return err
	}
	view := unsafe.Slice((*byte)(pointerAt(at)), min(info.RegionSize, mappingSize))
	size := binary.BigEndian.Uint32(view)
	if size == 0 || int(size) > len(view)-4 {
		return errMapping
	}
	message := append([]byte(nil), view[4:4+size]...) // the client could change it
	defer clear(message)
	reply, _ := answer(WithPeer(s.ctx, new(Peer)), s.keys, message)
	if len(reply) > len(view) {
		reply = newMessage(msgFailure)
	}
	binary.BigEndian.PutUint32(reply, uint32(len(reply)-4))
	copy(view, reply)
	return nil
}

// pointerAt is the memory of a view, which is none of the Go heap's.
func pointerAt(at uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&at)) }
