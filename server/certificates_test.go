package server_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"redline/server"
)

// mounted is a certificate with its key in files, as Kubernetes mounts a secret: both
// names are links into a folder whose name is one too, and that one is swapped.
type mounted struct {
	dir, cert, key string
	roots          *x509.CertPool
}

func mount(tb testing.TB) *mounted {
	tb.Helper()
	dir := tb.TempDir()
	m := &mounted{dir: dir, cert: filepath.Join(dir, "tls.crt"), key: filepath.Join(dir, "tls.key"), roots: x509.NewCertPool()}
	for _, name := range []string{m.cert, m.key} {
		if err := os.Symlink(filepath.Join("..data", filepath.Base(name)), name); err != nil {
			tb.Fatal(err)
		}
	}
	return m
}

// renew puts other files in the place of those that are there, both at once.
func (m *mounted) renew(tb testing.TB, cert, key []byte) {
	tb.Helper()
	folder, err := os.MkdirTemp(m.dir, "..v")
	if err != nil {
		tb.Fatal(err)
	}
	link := folder + ".link"
	for _, err := range []error{
		os.WriteFile(filepath.Join(folder, "tls.crt"), cert, 0o600),
		os.WriteFile(filepath.Join(folder, "tls.key"), key, 0o600),
		os.Symlink(filepath.Base(folder), link),
		os.Rename(link, filepath.Join(m.dir, "..data")),
	} {
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// issue makes a pair that the mount's clients trust, and returns its PEM.
func (m *mounted) issue(tb testing.TB, serial int64, notAfter time.Time) (cert, key []byte) {
	tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: notAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		tb.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	m.roots.AppendCertsFromPEM(cert)
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// inAYear is when most certificates here end.
func inAYear() time.Time { return time.Now().Add(365 * 24 * time.Hour) }

// startSecure serves a rig by https, with a certificate of the serial number 1.
func startSecure(tb testing.TB, mend ...func(*server.Options)) (*running, *mounted) {
	tb.Helper()
	m := mount(tb)
	cert, key := m.issue(tb, 1, inAYear())
	m.renew(tb, cert, key)
	return startMounted(tb, m, mend...), m
}

func startMounted(tb testing.TB, m *mounted, mend ...func(*server.Options)) *running {
	tb.Helper()
	r := newRig(tb, server.ExecOptions{}, append([]func(*server.Options){func(o *server.Options) {
		certificates, err := server.LoadCertificates(m.cert, m.key, o.Log)
		if err != nil {
			tb.Fatal(err)
		}
		certificates.LookEvery(time.Millisecond)
		o.Certificates = certificates
	}}, mend...)...)
	s := start(tb, r)
	s.url = "https" + strings.TrimPrefix(s.url, "http")
	transport := s.client.Transport.(*http.Transport)
	transport.TLSClientConfig, transport.ForceAttemptHTTP2 = &tls.Config{RootCAs: m.roots}, true
	return s
}

// shake makes a connection with TLS, for these protocols in place of HTTP/1.1.
func (s *running) shake(tb testing.TB, m *mounted, protocols ...string) *tls.Conn {
	tb.Helper()
	conn := tls.Client(s.dial(tb), &tls.Config{RootCAs: m.roots, ServerName: "127.0.0.1", NextProtos: protocols})
	if err := conn.HandshakeContext(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return conn
}

func serialOf(conn *tls.Conn) int64 {
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// soon waits for what sends no signal.
func soon(tb testing.TB, what string, so func() bool) {
	tb.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !so(); <-tick.C {
		if time.Now().After(deadline) {
			tb.Fatal("waited in vain for", what)
		}
	}
}

func TestHTTPSAlone(t *testing.T) {
	t.Parallel()
	s, m := startSecure(t)
	response, err := s.client.Do(call{body: `{"query":"{ hello }"}`}.request(t, s.url))
	if err != nil {
		t.Fatal(err)
	}
	if response.ProtoMajor != 2 || response.TLS.Version != tls.VersionTLS13 {
		t.Errorf("it came by %s and TLS %x", response.Proto, response.TLS.Version)
	}
	read(t, response).want(t, http.StatusOK, `{"data":{"hello":"world"}}`)

	if got := s.shake(t, m, "http/1.1").ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("a client of HTTP/1.1 is spoken to in %q", got)
	}
	for version, want := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		config := &tls.Config{RootCAs: m.roots, ServerName: "127.0.0.1", MinVersion: version, MaxVersion: version}
		if err := tls.Client(s.dial(t), config).HandshakeContext(t.Context()); (err == nil) != want {
			t.Errorf("TLS %x: %v", version, err)
		}
	}

	plain := s.dial(t)
	if _, err := io.WriteString(plain, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(plain); err != nil || !strings.HasPrefix(string(got), "HTTP/1.0 400 ") {
		t.Errorf("plain HTTP is answered %q, %v", got, err)
	}
}

// Over TLS, too, an answer is whole, however long it is.
func TestAnswersOverTLSAreWhole(t *testing.T) {
	t.Parallel()
	s, _ := startSecure(t)
	for _, length := range []int{1, 4096, 16 << 10, 100_000} {
		text := strings.Repeat("x", length)
		got := s.do(t, call{body: `{"query":"query($t: String) { echo(text: $t) }","variables":{"t":"` + text + `"}}`})
		got.want(t, http.StatusOK, `{"data":{"echo":"{\"text\":\"`+text+`\"}"}}`)
	}
}

func TestTheCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	s, m := startSecure(t)
	old := s.shake(t, m, "http/1.1")
	cert, key := m.issue(t, 2, inAYear())

	// A pair that isn't one leaves the last in its place, and is told of once.
	m.renew(t, cert, []byte("no key"))
	soon(t, "a word on the broken pair", func() bool { return len(s.log.lines(t, broken)) > 0 })
	if got := serialOf(s.shake(t, m)); got != 1 {
		t.Errorf("with a broken pair in the files, %d is shown", got)
	}

	m.renew(t, cert, key)
	soon(t, "the new certificate", func() bool { return serialOf(s.shake(t, m)) == 2 })
	if got := len(s.log.lines(t, broken)); got != 1 {
		t.Errorf("the broken pair was told of %d times", got)
	}
	if strings.Contains(s.log.String(), "PRIVATE") || strings.Contains(s.log.String(), "no key") {
		t.Error("the log has what was in the files")
	}
	// Who was there before is served on.
	if _, err := io.WriteString(old, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(old), nil)
	if err != nil {
		t.Fatal(err)
	}
	read(t, response).want(t, http.StatusOK, `{"alive":true}`)
}

const broken = "the certificate could not be read again; the last one stays"

func TestACertificateThatEndsSoonIsWarnedOf(t *testing.T) {
	t.Parallel()
	const warning = "the certificate ends soon"
	m := mount(t)
	ends := time.Now().Add(13 * 24 * time.Hour).Truncate(time.Second)
	cert, key := m.issue(t, 1, ends)
	m.renew(t, cert, key)
	var certificates *server.Certificates
	s := startMounted(t, m, func(o *server.Options) { certificates = o.Certificates })
	soon(t, "the warning", func() bool { return len(s.log.lines(t, warning)) > 0 })
	if got := certificates.NotAfter(); !got.Equal(ends) {
		t.Errorf("it ends at %s, not at %s", got, ends)
	}
	cert, key = m.issue(t, 2, inAYear())
	m.renew(t, cert, key)
	soon(t, "the new certificate", func() bool { return certificates.NotAfter().After(ends) })
	// The files were looked at many times by then.
	if got := len(s.log.lines(t, warning)); got != 1 {
		t.Errorf("there are %d warnings", got)
	}
}

func TestPairsThatArentOnesAreRefused(t *testing.T) {
	t.Parallel()
	m := mount(t)
	cert, key := m.issue(t, 1, inAYear())
	_, another := m.issue(t, 2, inAYear())
	ended, itsKey := m.issue(t, 3, time.Now().Add(-time.Hour))
	for name, pair := range map[string][2][]byte{
		"no certificate": {[]byte("x"), key}, "no key": {cert, nil}, "another's key": {cert, another}, "ended": {ended, itsKey},
	} {
		m.renew(t, pair[0], pair[1])
		if _, err := server.LoadCertificates(m.cert, m.key, nil); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	if _, err := server.LoadCertificates(filepath.Join(m.dir, "none"), m.key, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
}

// Who says nothing, or begins a handshake and leaves it, is cut off.
func TestSlowHandshakesAreGivenUp(t *testing.T) {
	t.Parallel()
	s, _ := startSecure(t, func(o *server.Options) { o.HeaderTimeout = 50 * time.Millisecond })
	for _, sent := range []string{"", "\x16\x03\x01\x02\x00\x01\x00"} {
		conn := s.dial(t)
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); err != nil {
			t.Errorf("after %q: %v", sent, err)
		}
	}
	// And what the internet sends all day is no warning.
	for _, line := range strings.Split(s.log.String(), "\n") {
		if strings.Contains(line, "handshake") && !strings.Contains(line, `"level":"DEBUG"`) {
			t.Error(line)
		}
	}
}

func TestSlowBodiesOverHTTP2AreGivenUp(t *testing.T) {
	t.Parallel()
	s, _ := startSecure(t, func(o *server.Options) { o.HeaderTimeout, o.BodyTimeout = 2*time.Second, 10*time.Millisecond }) // in which the handshake has to be done
	body, never := io.Pipe()
	defer never.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+server.PathGraphQL, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if response.ProtoMajor != 2 {
		t.Errorf("it came by %s", response.Proto)
	}
	read(t, response).wantError(t, http.StatusRequestTimeout, "REQUEST_TIMEOUT")
}

// One connection of HTTP/2 can have so many requests under way, and no more.
func TestStreamsOfAConnectionAreBounded(t *testing.T) {
	t.Parallel()
	s, m := startSecure(t)
	conn := s.shake(t, m, "h2")
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" // and empty settings
	if _, err := io.WriteString(conn, preface); err != nil {
		t.Fatal(err)
	}
	var head [9]byte // of a frame: length, type, flags, stream (RFC 9113 §4.1)
	if _, err := io.ReadFull(conn, head[:]); err != nil || head[3] != 4 {
		t.Fatalf("the first frame is %x, %v", head, err)
	}
	settings := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	if _, err := io.ReadFull(conn, settings); err != nil {
		t.Fatal(err)
	}
	for ; len(settings) >= 6; settings = settings[6:] {
		if binary.BigEndian.Uint16(settings) == 3 { // SETTINGS_MAX_CONCURRENT_STREAMS
			if got := binary.BigEndian.Uint32(settings[2:]); got != 250 {
				t.Errorf("%d streams are allowed", got)
			}
			return
		}
	}
	t.Error("no bound is set")
}

// A stopping server finishes what is under way over HTTP/2 as well.
func TestStopFinishesHTTP2(t *testing.T) {
	t.Parallel()
	m := mount(t)
	cert, key := m.issue(t, 1, inAYear())
	m.renew(t, cert, key)
	s := startMounted(t, m)
	began, letGo := s.held()
	result := make(chan answer, 1)
	go func() { result <- s.query(t, "{ slow }") }()
	<-began
	s.stop()
	soon(t, "the end to be near", func() bool { return s.ready().status == http.StatusServiceUnavailable })
	letGo()
	got := <-result
	got.want(t, http.StatusOK, `{"data":{"slow":"done"}}`)
	if err := s.wait(t); err != nil {
		t.Errorf("Serve returned %v", err)
	}
}
