//go:build unix && !linux

package agents

import "context"

// awaitEnd waits until the parent has ended.
func awaitEnd(ctx context.Context, parent int) { pollParent(ctx, parent) }
