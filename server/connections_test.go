package server_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
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

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	const most = 2
	s := start(t, newRig(t, server.ExecOptions{}, func(o *server.Options) { o.MaxConnections = most }))
	ask := func(conn net.Conn) (string, error) {
		// It may have been closed before.
		_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		line, err := bufio.NewReader(conn).ReadString('\n')
		return line, err
	}
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
