package test_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"redline/test/internal/measure/measuretest"
)

// authority vouches for a gateway on this machine: files with its certificate, and
// with the gateway's and its key.
type authority struct {
	ca, cert, key string
	roots         *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	dir := t.TempDir()
	a := &authority{ca: filepath.Join(dir, "ca.pem"), cert: filepath.Join(dir, "tls.crt"), key: filepath.Join(dir, "tls.key"), roots: x509.NewCertPool()}
	template := func(serial int64, name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour),
		}
	}
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	write := func(file, kind string, der []byte, err error) {
		t.Helper()
		if err == nil {
			err = os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	issuer, issuerKey := template(1, "Redline test CA"), newKey()
	issuer.IsCA, issuer.BasicConstraintsValid, issuer.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, issuer, issuer, issuerKey.Public(), issuerKey)
	write(a.ca, "CERTIFICATE", der, err)
	gateway, gatewayKey := template(2, "gateway"), newKey()
	gateway.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	gateway.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err = x509.CreateCertificate(rand.Reader, gateway, issuer, gatewayKey.Public(), issuerKey)
	write(a.cert, "CERTIFICATE", der, err)
	der, err = x509.MarshalPKCS8PrivateKey(gatewayKey)
	write(a.key, "PRIVATE KEY", der, err)
	text, err := os.ReadFile(a.ca)
	if err != nil || !a.roots.AppendCertsFromPEM(text) {
		t.Fatal("the authority's certificate can't be read:", err)
	}
	return a
}

// as is server.as by https.
func (a *authority) as(s *server, token string) caller {
	c := s.as(token)
	c.url = "https" + strings.TrimPrefix(c.url, "http")
	c.client = &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.roots}, ForceAttemptHTTP2: true}}
	return c
}

// By https all is as it is without: whoever follows with a library is cut, comes
// back and goes on, is told when the gateway stops, and misses nothing; and our own
// commands find the gateway.
func TestEverythingByHTTPS(t *testing.T) {
	t.Parallel()
	measuretest.NeedNode(t, "clients")
	const sku, location = "BRK-PAD-1039", "WH-EAST"
	dir, a := ownDir(t), newAuthority(t)
	begin := func() *server { return start(t, dir, "--tls-cert", a.cert, "--tls-key", a.key) }
	s := begin()
	r := relayed(t, s)
	token := operatorToken(t)
	var all audience
	for _, client := range []string{"ws", "sse"} {
		all = append(all, playWith(t, []string{"NODE_EXTRA_CA_CERTS=" + a.ca}, "graphql-"+client, "follow.mjs", vars{
			"client": client, "url": "https://" + r.addr + "/graphql", "query": followStock, "variables": vars{"skus": []any{sku}}, "token": token,
		}))
	}
	watched := watchURL(t, "https://"+r.addr, token, "stock", "--ca", a.ca, "--sku", sku)
	watched.says(t, "watching", 1)

	want := []string{"CAUGHT_UP"}
	change := func(n int) {
		for range n {
			c := a.as(s, token)
			want = append(want, c.adjust(t, sku, location, "ON_HAND", 1).text("cursor"))
			c.client.CloseIdleConnections()
		}
	}
	all.hear(t, want)
	change(3)
	all.hear(t, want)
	r.cut()
	change(2)
	r.lead(s.addr)
	want = append(want, "CAUGHT_UP")
	all.hear(t, want)

	for _, args := range [][]string{{"--addr", s.addr, "--tls-cert", a.cert}, {"--addr", s.addr, "--tls-cert", a.cert, "--ca", a.ca}} {
		if got := run(t, nil, append([]string{"health"}, args...)...); got.code != 0 || !strings.Contains(got.out, `"ready":true`) {
			t.Errorf("health %q: %+v", args, got)
		}
	}
	if got := run(t, nil, "health", "--addr", s.addr); got.code == 0 || !strings.Contains(got.err, "speaks https: set --tls-cert") {
		t.Errorf("health by plain HTTP: %+v", got)
	}
	if got := run(t, nil, "watch", "--url", "https://"+s.addr, "--for", "5s"); got.code == 0 || !strings.Contains(got.err, "certificate") {
		t.Errorf("a watch that doesn't know the authority: %+v", got)
	}

	r.hold()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s = begin()
	r.lead(s.addr)
	want = append(want, "CAUGHT_UP")
	all.hear(t, want)
	change(2)
	all.hear(t, want)
	for _, c := range all {
		told, _, err := c.saw()
		if err != nil {
			t.Fatal(err)
		}
		if got := story(told); !slices.Equal(got, want) {
			t.Errorf("%s was told\n%q; want\n%q\n%s", c.name, got, want, c.log)
		}
	}
	closedForRestart(t, all[0])
	watched.prints(t, 7) // one line for each change
	watched.interrupt(t)
}

// A browser lets pages of listed origins see what they are answered, refusals too,
// and no others; and the gateway opens sockets for the same.
func TestPagesOfOtherOrigins(t *testing.T) {
	t.Parallel()
	measuretest.NeedNode(t, "clients")
	chromium := measuretest.NeedChromium(t)
	page := func() string {
		p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<title>a shop</title>")
		}))
		t.Cleanup(p.Close)
		return p.URL
	}
	listed, foreign := page(), page()
	s := start(t, ownDir(t), "--origin", listed)
	c := play(t, "pages", "pages.mjs", vars{
		"chromium": chromium, "pages": []any{listed, foreign}, "url": "http://" + s.addr + "/graphql",
		"token": operatorToken(t), "query": "{ viewer { role } }",
	})
	var seen []any
	if err := c.await("both pages", func(told []any) bool { seen = told; return len(told) == 2 }); err != nil {
		t.Fatal(err)
	}
	if got := text(seen[0], "good.body.data.viewer.role"); got != "OPERATOR" || text(seen[0], "good.requestId") != "from-a-page" {
		t.Errorf("a listed page is answered %v", seen[0])
	}
	if num(seen[0], "bad.status") != 401 || text(seen[0], "bad.body.errors.0.extensions.code") != "UNAUTHENTICATED" {
		t.Errorf("a listed page with a bad token is answered %v", seen[0])
	}
	if text(seen[0], "socket") != "open" {
		t.Errorf("a listed page's socket: %v", seen[0])
	}
	if text(seen[1], "good.refused") != "TypeError" || text(seen[1], "bad.refused") != "TypeError" || text(seen[1], "socket") != "error" {
		t.Errorf("a foreign page sees %v", seen[1])
	}
}

// All that is wrong with how the gateway is to meet the world is said at once.
func TestAWrongEdgeIsRefused(t *testing.T) {
	t.Parallel()
	got := run(t, nil, "serve", "--data-dir", emptyDir(t), "--tls-cert", "/nowhere/tls.crt", "--hsts", "500ms", "--max-connections=-1", "--max-connections-per-address=-1",
		"--trusted-proxy", "10.0.0.1/8", "--trusted-proxy", "somewhere", "--origin", "shop.example", "--origin", "https://shop.example/x")
	if got.code == 0 {
		t.Fatal("it started")
	}
	for _, want := range []string{"--tls-key", "--hsts", "--max-connections is", "--max-connections-per-address", `"10.0.0.1/8"`, `"somewhere"`, `"shop.example"`, `"https://shop.example/x"`} {
		if !strings.Contains(got.err, want) {
			t.Errorf("nothing is said of %s:\n%s", want, got.err)
		}
	}
	got = run(t, nil, "serve", "--data-dir", emptyDir(t), "--tls-cert", "/nowhere/tls.crt", "--tls-key", "/nowhere/tls.key")
	if got.code == 0 || !strings.Contains(got.err, "/nowhere/tls.crt") {
		t.Errorf("without the files: %+v", got)
	}
}
