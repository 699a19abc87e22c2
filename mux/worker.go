package mux

import "sync"

// A worker handles items one at a time, in order, in a goroutine that lives only
// while there are some. Its zero value is idle.
type worker[T any] struct {
	mu      sync.Mutex
	items   []T
	running bool
}

// add queues an item for handle and reports whether there was room for it. start
// starts the goroutine where there is none.
func (w *worker[T]) add(item T, limit int, start func(func()), handle func(T)) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.items) >= limit {
		return false
	}
	w.items = append(w.items, item)
	if !w.running {
		w.running = true
		start(func() { w.run(handle) })
	}
	return true
}

func (w *worker[T]) run(handle func(T)) {
	for {
		w.mu.Lock()
		if len(w.items) == 0 {
			w.items, w.running = nil, false
			w.mu.Unlock()
			return
		}
		item := w.items[0]
		w.items = w.items[1:]
		w.mu.Unlock()
		handle(item)
	}
}
