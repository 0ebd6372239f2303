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
	if err := w.listen(io.TeeReader(client, backend)); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		t.Error("reading what a client says to Postgres:", err)
	}
	_ = backend.Close()
	back.Wait()
}

// listen reads the messages of a client: first one without a type, and then
// those of which Query and Parse bring a statement (Postgres manual, chapter
// "Message Formats").
func (w *wire) listen(from io.Reader) error {
	r := bufio.NewReader(from)
	if _, err := readSized(r); err != nil {
		return err
	}
	for {
		kind, err := r.ReadByte()
		if err != nil {
			return err
		}
		body, err := readSized(r)
		if err != nil {
			return err
		}
		switch kind {
		case 'Q':
			w.note(cString(body))
		case 'P':
			w.note(cString(body[len(cString(body))+1:]))
		}
	}
}

func readSized(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:])-4)
	_, err := io.ReadFull(r, body)
	return body, err
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
