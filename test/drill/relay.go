package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
)

// relay stands between the gateway and Postgres, as a network does, and can swallow
// all that it should carry.
type relay struct {
	listener         net.Listener
	network, address string
	// still is held for writing while nothing is carried, either way.
	still sync.RWMutex

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	done  sync.WaitGroup
}

// newRelay starts a relay to the Postgres of a URL, and returns the URL by which it is
// reached.
func newRelay(ctx context.Context, to string) (*relay, string, error) {
	u, err := url.Parse(to)
	if err != nil {
		return nil, "", fmt.Errorf("reading the database's URL: %w", err)
	}
	r := &relay{network: "tcp", address: u.Host, conns: map[net.Conn]struct{}{}}
	q := u.Query()
	if dir := q.Get("host"); dir != "" {
		port := q.Get("port")
		if port == "" {
			port = "5432"
		}
		r.network, r.address = "unix", dir+"/.s.PGSQL."+port
		q.Del("host")
		q.Del("port")
	}
	if r.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, "", fmt.Errorf("listening for the gateway: %w", err)
	}
	u.Host, u.RawQuery = r.listener.Addr().String(), q.Encode()
	r.done.Go(r.accept)
	return r, u.String(), nil
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

// join carries both ways until either side ends.
func (r *relay) join(from net.Conn) {
	to, err := (&net.Dialer{}).DialContext(context.Background(), r.network, r.address)
	if err != nil {
		_ = from.Close() // as if nobody listened
		return
	}
	r.mu.Lock()
	r.conns[from], r.conns[to] = struct{}{}, struct{}{}
	r.mu.Unlock()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			_, _ = io.Copy(way[1], stoppable{way[0], r})
			_ = from.Close()
			_ = to.Close()
		})
	}
	both.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, from)
	delete(r.conns, to)
}

// stoppable gives nothing while the relay is still.
type stoppable struct {
	net.Conn
	relay *relay
}

func (s stoppable) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	s.relay.still.RLock()
	defer s.relay.still.RUnlock()
	return n, err
}

// close ends it, and all that it carries.
func (r *relay) close() error {
	err := r.listener.Close()
	r.mu.Lock()
	for c := range r.conns {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.done.Wait()
	return err
}
