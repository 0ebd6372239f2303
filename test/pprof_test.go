package test_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Profiles are served on their own address, never on the public one, and end
// with the server, even those that are being taken.
func TestProfiles(t *testing.T) {
	t.Parallel()
	s, err := launch(ownDir(t), "serve", "--pprof-addr", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	line, err := s.awaitLog("profiling", startPatience)
	if err != nil {
		t.Fatal(err)
	}
	addr, _ := line["addr"].(string)

	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Timeout: patience, Transport: transport}
	get := func(url string) (int, []byte) {
		t.Helper()
		response, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, body
	}
	gzip := []byte{0x1f, 0x8b}
	for _, name := range []string{"heap", "allocs", "goroutine", "mutex", "block", "profile?seconds=1"} {
		if status, body := get("http://" + addr + "/debug/pprof/" + name); status != http.StatusOK || !bytes.HasPrefix(body, gzip) {
			t.Errorf("%s: %d %.200q", name, status, body)
		}
	}
	if status, body := get("http://" + addr + "/debug/pprof/cmdline"); status != http.StatusNotFound {
		t.Errorf("the command line, which may hold a password: %d %q", status, body)
	}
	if status, body := get("http://" + s.addr + "/debug/pprof/heap"); status != http.StatusNotFound || !strings.Contains(string(body), "NOT_FOUND") {
		t.Errorf("on the public address: %d %.200q", status, body)
	}

	// The answer's header comes when the trace has begun.
	response, err := client.Get("http://" + addr + "/debug/pprof/trace?seconds=3600")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err == nil {
		t.Error("a profile ended as if it were whole")
	}
	if response, err := client.Get("http://" + addr + "/debug/pprof/"); err == nil {
		response.Body.Close()
		t.Error("profiles are served still")
	}
}

// Only this machine may take profiles.
func TestProfilesRefuseOpenAddresses(t *testing.T) {
	t.Parallel()
	empty := emptyDir(t)
	for _, addr := range []string{":6060", "0.0.0.0:6060", "[::]:6060", "192.0.2.1:6060", "example.com:6060"} {
		r := run(t, []string{"REDLINE_PPROF_ADDR=" + addr}, "serve", "--addr", "127.0.0.1:0", "--data-dir", empty)
		if r.code == 0 || !strings.Contains(r.err, "loopback") {
			t.Errorf("%s: exit %d: %s", addr, r.code, r.err)
		}
	}
	if r := run(t, nil, "serve", "--addr", "127.0.0.1:0", "--pprof-addr", "6060", "--data-dir", empty); r.code == 0 || !strings.Contains(r.err, "pprof-addr") {
		t.Errorf("without a host: exit %d: %s", r.code, r.err)
	}
}
