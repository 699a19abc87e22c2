package transport

import (
	"time"

	"github.com/nacre-ssh/nacre/packet"
)

// Limits of ours.
const (
	// controlCap is how many bytes may wait in the control lane once the peer
	// is authenticated, and controlCapEarly before that. A peer that makes us
	// queue more by not reading the replies it causes is cut off.
	controlCap      = 1 << 20
	controlCapEarly = 64 << 10
	// frameCost is what a queued packet costs beside its payload, in bytes.
	frameCost = packet.Head + packet.Tail + 32
	// smallPayload is the largest payload, in bytes, that is copied into a slab
	// shared with others rather than wait in its own.
	smallPayload = 4 << 10
	// maxUnsent is how many bytes the system may hold that it can't send yet: a
	// keystroke overtakes what waits here, but nothing that waits there.
	maxUnsent = 128 << 10
	// maxBanner caps what a server says before its identification
	// (RFC 4253, section 4.2 leaves it open).
	maxBanner = 64 << 10
	// maxExtensions caps the entries of one EXT_INFO message.
	maxExtensions = 64
	// maxExtInfo is how many bytes of that message are kept.
	maxExtInfo = 16 << 10
	// kexTimeout ends a connection whose peer began to rekey and stalls.
	kexTimeout = 2 * time.Minute
	// lingerTime is how long a closing connection waits for the peer to read
	// why it was closed.
	lingerTime = time.Second

	// rekeyPackets is when sequence numbers have been used enough
	// (RFC 4344, section 3.1).
	rekeyPackets = 1 << 31
	// rekeyBytesSmallBlock limits ciphers with blocks of 8 bytes, as OpenSSH
	// does; those of 16 bytes may carry 2^32 blocks (RFC 4344, section 3.2).
	rekeyBytesSmallBlock = 1 << 30
	rekeyBytesBigBlock   = 64 << 30
)

// bounds are where callers wait and take turns. Tests set them to 1, so that
// whatever could go wrong at a bound does so often.
var bounds = struct {
	bulk   int // bytes of bulk that wait in the queue; callers wait beyond
	batch  int // bytes that go into one write at most
	budget int // bytes that one caller writes for others before it passes the role on
}{bulk: 1 << 20, batch: 256 << 10, budget: 1 << 20}
