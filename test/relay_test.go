package test_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// relay stands between clients and a gateway, as a load balancer does: its
// address stays when the gateway is another process, and it can cut them off.
type relay struct {
	addr     string
	listener net.Listener

	mu     sync.Mutex
	target string // empty: whoever connects is hung up on
	conns  map[net.Conn]struct{}
	done   sync.WaitGroup
}

// relayed starts a relay to a server.
func relayed(t *testing.T, s *server) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: listener.Addr().String(), listener: listener, target: s.addr, conns: map[net.Conn]struct{}{}}
	r.done.Go(r.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		r.cut()
		r.done.Wait()
	})
	return r
}

func (r *relay) accept() {
	for {
		from, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.done.Go(func() { r.join(from) })
	}
}

// join copies both ways until either side ends, and then ends the other.
func (r *relay) join(from net.Conn) {
	defer func() { _ = from.Close() }()
	r.mu.Lock()
	target := r.target
	r.conns[from] = struct{}{}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.conns, from)
		r.mu.Unlock()
	}()
	if target == "" {
		return
	}
	to, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(from, to)
		_ = from.Close()
	})
	_, _ = io.Copy(to, gated{from, r})
	_ = to.Close()
	_ = from.Close()
	back.Wait()
}

// gated ends what comes from a client as soon as the relay is held.
type gated struct {
	net.Conn
	relay *relay
}

func (g gated) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if g.relay.leads() == "" {
		return 0, io.EOF
	}
	return n, err
}

// hold lets nothing new through: no connection, and no request on one that
// stands, as clients make them on what a stopping gateway left open. What the
// gateway still has to say arrives.
func (r *relay) hold() { r.lead("") }

// cut ends all connections, and lets nobody through.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = ""
	for c := range r.conns {
		_ = c.Close()
	}
}

// to lets everybody through to a server that is ready.
func (r *relay) to(t *testing.T, s *server) {
	t.Helper()
	eventually(t, "the gateway's being ready", func(ctx context.Context) bool { return s.probe(ctx) == nil })
	r.lead(s.addr)
}

func (r *relay) leads() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.target
}

func (r *relay) lead(target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = target
}
