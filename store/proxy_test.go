package store_test

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"

	"redline/store"
)

// proxy stands between a store and Postgres, and can lose the answer to a
// COMMIT as a network does.
type proxy struct {
	listener net.Listener
	network  string
	address  string
	// cut is what becomes of the next COMMIT.
	cut   atomic.Int32
	conns sync.WaitGroup
	// still is held for writing while nothing is carried, either way: a network that
	// swallows packets, and says nothing.
	still sync.RWMutex
}

// What becomes of a COMMIT that goes by.
const (
	// pass: nothing.
	pass int32 = iota
	// loseBefore: the connection ends before it reaches Postgres.
	loseBefore
	// loseAfter: Postgres commits, and the connection ends before it says so.
	loseAfter
	// silence: neither it nor anything else is carried, until still is unlocked.
	silence
)

// commitMessage is the end of lib/pq's simple query.
var commitMessage = []byte("COMMIT\x00")

// behindProxy opens a store on the world's database behind a proxy.
func (w *world) behindProxy() (*store.Store, *proxy) {
	w.t.Helper()
	return w.behindProxyWith(store.Options{MaxConns: 4})
}

func (w *world) behindProxyWith(o store.Options) (*store.Store, *proxy) {
	w.t.Helper()
	u, err := url.Parse(w.url)
	w.must(err)
	p := &proxy{network: "tcp", address: u.Host}
	q := u.Query()
	if dir := q.Get("host"); dir != "" {
		p.network, p.address = "unix", dir+"/.s.PGSQL."+q.Get("port")
		q.Del("host")
		q.Del("port")
	}
	p.listener, err = net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	p.conns.Go(p.accept)
	u.Host, u.RawQuery = p.listener.Addr().String(), q.Encode()
	s, err := store.Open(w.ctx, u.String(), o)
	w.must(err)
	w.t.Cleanup(func() {
		_ = s.Close()
		_ = p.listener.Close()
		p.conns.Wait()
	})
	return s, p
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.conns.Go(func() { p.carry(client) })
	}
}

// await waits until it carries again.
func (p *proxy) await() {
	p.still.RLock()
	defer p.still.RUnlock()
}

// carry passes bytes both ways until either side ends, or a COMMIT is lost.
func (p *proxy) carry(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial(p.network, p.address)
	if err != nil {
		return
	}
	// mute is set while Postgres' answer is swallowed.
	var mute atomic.Bool
	var back sync.WaitGroup
	back.Go(func() {
		buffer := make([]byte, 32<<10)
		for {
			n, err := server.Read(buffer)
			p.await()
			if mute.Load() || err != nil {
				_ = client.Close()
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
	defer back.Wait()
	defer func() { _ = server.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := client.Read(buffer)
		p.await()
		if err != nil {
			return
		}
		if bytes.HasSuffix(buffer[:n], commitMessage) {
			switch p.cut.Swap(pass) {
			case loseBefore:
				return
			case loseAfter:
				mute.Store(true)
			case silence:
				p.still.Lock()
				p.await()
			}
		}
		if _, err := io.Copy(server, bytes.NewReader(buffer[:n])); err != nil {
			return
		}
	}
}
