package server_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"redline/server"
)

// countingListener counts what is written to its connections.
type countingListener struct {
	net.Listener
	writes *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countingConn{c, l.writes}, err
}

type countingConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// mutedListener has connections that send nothing, and say so.
type mutedListener struct{ net.Listener }

func (l mutedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return mutedConn{c}, err
}

type mutedConn struct{ net.Conn }

func (mutedConn) Write([]byte) (int, error) { return 0, errors.New("muted") }

// A connection on which an answer couldn't be sent ends. Once it lived on, since
// net/http didn't hear of it, and the client waited for the answer.
func TestConnectionEndsWhereSendingFails(t *testing.T) {
	t.Parallel()
	s := startOn(t, newRig(t, server.ExecOptions{}), func(l net.Listener) net.Listener { return mutedListener{l} })
	conn := s.dial(t)
	asked := `{"query":"query($t: String) { echo(text: $t) }","variables":{"t":"` + strings.Repeat("x", 8192) + `"}}`
	if _, err := fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(asked), asked); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes: %v", n, err)
	}
}

// An answer leaves in one piece, whatever its length is, up to what is worth
// copying for it; and whole, one after the other on the same connection, in the
// order of the requests.
func TestAnswersLeaveInOnePiece(t *testing.T) {
	t.Parallel()
	var writes atomic.Int64
	s := startOn(t, newRig(t, server.ExecOptions{}), func(l net.Listener) net.Listener { return countingListener{l, &writes} })
	conn := s.dial(t)
	reader := bufio.NewReader(conn)
	ask := func(length int) (body string) {
		t.Helper()
		text := strings.Repeat("x", length)
		want := `{"data":{"echo":"{\"text\":\"` + text + `\"}"},"extensions":{"cost":{"requested":1}}}`
		asked := `{"query":"query($t: String) { echo(text: $t) }","variables":{"t":"` + text + `"}}`
		if _, err := fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(asked), asked); err != nil {
			t.Fatal(err)
		}
		return want
	}
	answered := func(want string) {
		t.Helper()
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusOK || string(body) != want || response.ContentLength != int64(len(want)) {
			t.Fatalf("%d, length %d, %d bytes; want %d", response.StatusCode, response.ContentLength, len(body), len(want))
		}
	}
	var wants []string
	for _, length := range []int{1, 2000, 3000, 3040, 3072, 3500, 3600, 3700, 3800, 4000, 4096, 5000, 8192, 50_000} {
		before := writes.Load()
		want := ask(length)
		answered(want)
		if pieces := writes.Load() - before; pieces != 1 {
			t.Errorf("an answer of %d bytes left in %d pieces", len(want), pieces)
		}
	}
	for _, length := range []int{100_000, 1, 70_000, 5000, 61_400, 61_440, 61_500} {
		wants = append(wants, ask(length)) // before the one before is read
	}
	for _, want := range wants {
		answered(want)
	}
}
