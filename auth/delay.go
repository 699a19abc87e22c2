package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

// minFailDelay is what a refusal takes at least; up to twice as long for a user
// whose name hashes high.
const minFailDelay = 5 * time.Millisecond

var delaySecret = sync.OnceValue(func() (secret [32]byte) {
	rand.Read(secret[:])
	return secret
})

// failDelay is always the same for a user, whether there is one or not, so that
// measuring it many times tells nothing.
func failDelay(user string) time.Duration {
	secret := delaySecret()
	sum := sha256.Sum256(append(secret[:], user...))
	share := time.Duration(binary.BigEndian.Uint32(sum[:]))
	return minFailDelay + minFailDelay*share>>32
}

// pause makes a refusal that began at began last a whole number of doublings of
// the user's delay: work that took longer for one user than for another is
// hidden unless it crosses a step. Successes never wait.
func pause(ctx context.Context, began time.Time, user string) error {
	want, spent := failDelay(user), time.Since(began)
	for want < spent {
		want *= 2
	}
	timer := time.NewTimer(want - spent)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}
