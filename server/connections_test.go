package server_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"redline/server"
)

// A client that asks for much and reads none of it doesn't keep what it was to read.
func TestWhoNeverReadsIsGivenUp(t *testing.T) {
	t.Parallel()
	const pieces = 4
	s := start(t, newRig(t, server.ExecOptions{}, func(o *server.Options) {
		o.BodyTimeout, o.RequestTimeout, o.WriteTimeout = time.Second, 100*time.Millisecond, 100*time.Millisecond
	}))
	conn := s.dial(t)
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	body := `{"query":"query($t: String) { echo(text: $t) }","variables":{"t":"` + strings.Repeat("x", 3<<20) + `"}}`
	go func() {
		for range pieces {
			// Where the server has gone, there is nobody to send to.
			_, _ = fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	}()
	soon(t, "the server to give up", func() bool { return len(s.log.lines(t, "answer not delivered")) > 0 })
	soon(t, "the connection's end", func() bool {
		_, err := conn.Write([]byte("x"))
		return err != nil
	})
}

// ask asks over a connection, which stays open, and returns the first line of the answer.
func ask(conn net.Conn) (string, error) {
	// It may have been closed before.
	_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	return bufio.NewReader(conn).ReadString('\n')
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	const most = 2
	s := start(t, newRig(t, server.ExecOptions{}, func(o *server.Options) { o.MaxConnections = most }))
	var in []net.Conn
	for range most {
		conn := s.dial(t)
		if line, err := ask(conn); err != nil || !strings.HasPrefix(line, "HTTP/1.1 200") {
			t.Fatalf("%q, %v", line, err)
		}
		in = append(in, conn)
	}
	for range 3 {
		if line, err := ask(s.dial(t)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("one too many is answered %q, %v", line, err)
		}
	}
	if got := len(s.log.lines(t, "there are too many connections; more are closed at once")); got != 1 {
		t.Errorf("it is told %d times", got)
	}
	in[0].Close()
	soon(t, "room", func() bool {
		line, err := ask(s.dial(t))
		return err == nil && strings.HasPrefix(line, "HTTP/1.1 200")
	})
}

// peers has connections come from the addresses that it is given, one after the other.
type peers struct {
	net.Listener
	from []string
	next int
}

func (l *peers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	from := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(l.from[l.next]))
	l.next++
	return peer{conn, from}, nil
}

type peer struct {
	net.Conn
	from net.Addr
}

func (p peer) RemoteAddr() net.Addr { return p.from }

// Whoever keeps as many connections open as one address may keeps nobody else out.
func TestConnectionsOfAnAddressAreBounded(t *testing.T) {
	t.Parallel()
	rig := newRig(t, server.ExecOptions{}, func(o *server.Options) {
		o.MaxConnectionsPerAddress = 2
		o.Proxies.Trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	})
	calls := []struct {
		from string
		in   bool
	}{
		{"192.0.2.1:1", true}, {"[::ffff:192.0.2.1]:2", true}, {"192.0.2.1:3", false}, {"192.0.2.2:1", true},
		{"[2001:db8::1]:1", true}, {"[2001:db8::2]:1", true}, {"[2001:db8::3]:1", false}, {"[2001:db8:0:1::1]:1", true},
		{"10.0.0.1:1", true}, {"10.0.0.1:2", true}, {"10.0.0.1:3", true},
	}
	listener := &peers{}
	for _, c := range calls {
		listener.from = append(listener.from, c.from)
	}
	const tries = 1000
	for range tries {
		listener.from = append(listener.from, "192.0.2.1:9")
	}
	s := startOn(t, rig, func(l net.Listener) net.Listener {
		listener.Listener = l
		return listener
	})
	var first net.Conn
	for _, c := range calls {
		conn := s.dial(t)
		if first == nil {
			first = conn
		}
		line, err := ask(conn)
		if c.in && (err != nil || !strings.HasPrefix(line, "HTTP/1.1 200")) || !c.in && (err == nil || errors.Is(err, os.ErrDeadlineExceeded)) {
			t.Errorf("%s is answered %q, %v", c.from, line, err)
		}
	}
	if got := s.log.lines(t, "there are too many connections of one address; more are closed at once"); len(got) != 1 {
		t.Errorf("it is told %d times", len(got))
	}
	first.Close()
	left := tries
	soon(t, "room", func() bool {
		if left--; left < 0 {
			return false
		}
		line, err := ask(s.dial(t))
		return err == nil && strings.HasPrefix(line, "HTTP/1.1 200")
	})
}
