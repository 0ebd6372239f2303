package test_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// wire stands between a client and a Postgres, on a socket of its own, and
// counts the statements that pass.
type wire struct {
	mu    sync.Mutex
	texts []string
}

// newWire returns a wire to a server's private Postgres, and the URL that leads
// through it. The kernel vouches for us on its far side as it does without it.
func newWire(t *testing.T, s *server) (*wire, string) {
	t.Helper()
	dir, err := os.MkdirTemp(world.dir, "wire")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			open.Go(func() { w.pass(t, client, filepath.Join(s.dataDir, "postgres.socket", ".s.PGSQL.5432")) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.Wait()
	})
	u := url.URL{Scheme: "postgres", User: url.User("redline"), Path: "/redline",
		RawQuery: url.Values{"sslmode": {"disable"}, "host": {dir}}.Encode()}
	return w, u.String()
}

// pass passes one connection on, and reads what the client says.
func (w *wire) pass(t *testing.T, client net.Conn, to string) {
	defer func() { _ = client.Close() }()
	backend, err := net.Dial("unix", to)
	if err != nil {
		t.Error("connecting to Postgres:", err)
		return
	}
	var back sync.WaitGroup
	back.Go(func() { _, _ = io.Copy(client, backend) }) // until one of them hangs up
	if err := w.forward(client, backend); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		t.Error("passing on what a client says to Postgres:", err)
	}
	_ = backend.Close()
	back.Wait()
}

// forward passes the messages of a client on: first one without a type, and
// then those of which Query brings a statement, and Bind runs one that Parse
// brought under a name (Postgres manual, chapter "Message Formats"). A
// statement is noted before Postgres can answer.
func (w *wire) forward(client io.Reader, backend io.Writer) error {
	r := bufio.NewReader(client)
	prepared := map[string]string{}
	for header := 4; ; header = 5 {
		message := make([]byte, header)
		if _, err := io.ReadFull(r, message); err != nil {
			return err
		}
		body := make([]byte, binary.BigEndian.Uint32(message[header-4:])-4)
		if _, err := io.ReadFull(r, body); err != nil {
			return err
		}
		if header == 5 {
			switch message[0] {
			case 'Q':
				w.note(cString(body))
			case 'P': // the statement's name stands first
				name := cString(body)
				prepared[name] = cString(body[len(name)+1:])
			case 'B': // the portal's name stands first
				w.note(prepared[cString(body[len(cString(body))+1:])])
			}
		}
		if _, err := backend.Write(append(message, body...)); err != nil {
			return err
		}
	}
}

func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

func (w *wire) note(text string) {
	if text == "" || text == ";" {
		return // a ping
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, text)
}

// during returns the statements that pass while a function runs.
func (w *wire) during(do func()) []string {
	w.mu.Lock()
	w.texts = nil
	w.mu.Unlock()
	do()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.texts
}
