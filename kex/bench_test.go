package kex

import "testing"

// The whole exchange, by side: what Slow says must agree with it.
func BenchmarkServer(b *testing.B) {
	for _, name := range Methods() {
		b.Run(name, func(b *testing.B) {
			p := testParams()
			for b.Loop() {
				b.StopTimer()
				c, s := begin(b, name)
				msg, err := c.Start()
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				for {
					send, done, err := s.Step(p, msg)
					if err != nil {
						b.Fatal(err)
					}
					if done != nil {
						break
					}
					b.StopTimer()
					if msg, _, err = c.Step(p, send); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			}
		})
	}
}

func BenchmarkClient(b *testing.B) {
	for _, name := range Methods() {
		b.Run(name, func(b *testing.B) {
			p := testParams()
			for b.Loop() {
				c, s := begin(b, name)
				msg, err := c.Start()
				for err == nil {
					b.StopTimer()
					send, done, serverErr := s.Step(p, msg)
					if serverErr != nil {
						b.Fatal(serverErr)
					}
					if done != nil {
						send = done.Reply(nil)
					}
					b.StartTimer()
					if msg, done, err = c.Step(p, send); done != nil {
						break
					}
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
