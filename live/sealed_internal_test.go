package live

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"time"
)

// sealedPair is a connection with TLS, of which the gateway's end doesn't wait any
// more, and the client's end.
func sealedPair(t *testing.T) (over *tls.Conn, s *sealed, client *tls.Conn) {
	t.Helper()
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS()
	certified.Close()
	plain, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := tls.NewListener(NewListener(plain), certified.TLS)
	defer listener.Close()
	shaken := make(chan error, 1)
	go func() {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", plain.Addr().String())
		if err == nil {
			client = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
			err = client.HandshakeContext(t.Context())
		}
		shaken <- err
	}()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	over = conn.(*tls.Conn)
	if err := errors.Join(over.HandshakeContext(t.Context()), <-shaken); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = over.Close()
		_ = client.Close()
	})
	if s = sealedBy(over); s == nil {
		t.Fatal("it can't be written to without waiting")
	}
	return over, s, client
}

// What is written beside a writer arrives behind what the writer has taken, which
// is written by then or not.
func TestRecordsLeaveInTheirOrder(t *testing.T) {
	t.Parallel()
	over, s, client := sealedPair(t)
	say := func(text string) {
		t.Helper()
		if _, err := io.WriteString(over, text); err != nil {
			t.Fatal(err)
		}
	}
	say("at once, ")
	records, err := s.seal(over, nil, []byte("taken, "))
	if err != nil {
		t.Fatal(err)
	}
	say("beside it, ")
	for pieces := 0; len(records) > 0; pieces++ {
		if pieces == 2 {
			t.Fatal("there is always more to write")
		}
		if _, err := s.Conn.Write(records); err != nil {
			t.Fatal(err)
		}
		records = s.settle(nil)
	}
	say("and again at once")
	if err := over.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_ = client.SetReadDeadline(time.Now().Add(time.Minute))
	got, err := io.ReadAll(client)
	if want := "at once, taken, beside it, and again at once"; err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
}

// A peer that makes TLS answer and takes none of it doesn't fill the memory.
func TestWhatIsWrittenBesideAWriterIsBounded(t *testing.T) {
	t.Parallel()
	over, s, _ := sealedPair(t)
	if _, err := s.seal(over, nil, []byte("taken")); err != nil {
		t.Fatal(err)
	}
	word, written := make([]byte, 100), 0
	for written <= 2*maxStray {
		_, err := over.Write(word)
		if errors.Is(err, errStray) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		written += len(word)
	}
	if written > maxStray || written < maxStray/2 {
		t.Errorf("%d bytes were taken", written)
	}
	if _, err := s.seal(over, nil, []byte("more")); !errors.Is(err, errStray) {
		t.Errorf("the writer goes on: %v", err)
	}
}
