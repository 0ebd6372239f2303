package store

import (
	"testing"
	"time"
)

// What ran in the background once waited for the requests' places although its own had
// come free meanwhile.
func TestTheReserveIsWaitedFor(t *testing.T) {
	t.Parallel()
	p := &readPool{gate: newGate(1), reserve: make(chan struct{}, 1), heartbeat: &heartbeat{}, patience: time.Minute, backgroundPatience: 20 * time.Second}
	if _, err := p.enter(t.Context()); err != nil { // and never leaves
		t.Fatal(err)
	}
	first, err := p.enter(background(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	entered := make(chan error, 1)
	go func() {
		_, err := p.enter(background(t.Context()))
		entered <- err
	}()
	for p.gate.queued.Load() == 0 {
		<-time.After(time.Millisecond)
	}
	first()
	if err := <-entered; err != nil {
		t.Errorf("behind who left the reserve: %v", err)
	}
}
