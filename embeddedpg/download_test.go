//go:build linux || darwin

package embeddedpg

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// entry is one of an archive's.
type entry struct {
	name, body, link string
	mode             int64
	kind             byte // 0: a regular file
}

// archive makes a gzipped tar archive.
func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	w := tar.NewWriter(gz)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Linkname: e.link, Mode: e.mode, Typeflag: e.kind}
		if e.kind == 0 {
			h.Typeflag, h.Size = tar.TypeReg, int64(len(e.body))
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// only is a table with one release, for this machine.
func only(url, sha256 string) map[string]release {
	return map[string]release{
		runtime.GOOS + "/" + runtime.GOARCH: {name: "postgresql-17", major: preferred, url: url, sha256: sha256},
	}
}

func TestPinnedReleases(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, platform := range []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"} {
		r, ok := pinned[platform]
		if !ok {
			t.Errorf("there is none for %s", platform)
			continue
		}
		if b, err := hex.DecodeString(r.sha256); err != nil || len(b) != sha256.Size {
			t.Errorf("%s: %q is no SHA-256", platform, r.sha256)
		}
		u, err := url.Parse(r.url)
		if err != nil || u.Scheme != "https" {
			t.Errorf("%s: %q is not fetched safely", platform, r.url)
		}
		if !strings.Contains(u.Path, r.name) {
			t.Errorf("%s: %s goes into a folder named %s", platform, r.url, r.name)
		}
		for _, unique := range []string{r.sha256, r.url} {
			if other, ok := seen[unique]; ok {
				t.Errorf("%s and %s share %s", platform, other, unique)
			}
			seen[unique] = platform
		}
	}
	if len(pinned)*2 != len(seen) {
		t.Errorf("%d releases are pinned, and %d were looked at", len(pinned), len(seen)/2)
	}
}

// Many programs may want the same cache at once, and some of them later.
func TestFetchOnce(t *testing.T) {
	t.Parallel()
	a := archive(t, entry{name: "top/bin/postgres", body: "program", mode: 0o755})
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		_, _ = w.Write(a)
	}))
	defer server.Close()
	cache := filepath.Join(t.TempDir(), "not", "yet", "there")
	f := fetcher{cache: cache, client: downloadClient(), log: slog.New(slog.DiscardHandler), releases: only(server.URL, sum(a))}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			dir, err := f.fetch(t.Context(), 0)
			if err != nil {
				t.Error(err)
				return
			}
			if b, err := os.ReadFile(filepath.Join(dir, "postgres")); err != nil || string(b) != "program" {
				t.Errorf("%s holds %q, %v", dir, b, err)
			}
		})
	}
	wg.Wait()
	if n := requests.Load(); n != 1 {
		t.Errorf("it was downloaded %d times", n)
	}
	noLeftovers(t, cache, "lock", "postgresql-17")
}

// noLeftovers checks that a folder holds these and nothing else.
func noLeftovers(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s holds %v, not %v", dir, got, want)
	}
}

func TestFetchFails(t *testing.T) {
	t.Parallel()
	a := archive(t, entry{name: "top/bin/postgres", body: "program", mode: 0o755})
	evil := archive(t, entry{name: "top/../../evil", body: "program"})
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		sha256 string
		says   string
	}{
		"not there": {http.NotFound, sum(a), "404"},
		"cut short": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write(a[:10])
		}, sum(a), "unexpected EOF"},
		"part of it":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(a[:10]) }, sum(a), "should be " + sum(a)},
		"no archive":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }, sum([]byte("hello")), "gzip"},
		"leads out":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(evil) }, sum(evil), "leads out"},
		"never comes": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, sum(a), context.Canceled.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if name == "never comes" {
					cancel()
				}
				c.answer(w, r)
			}))
			defer server.Close()
			cache := t.TempDir()
			f := fetcher{cache: cache, client: downloadClient(), log: slog.New(slog.DiscardHandler), releases: only(server.URL, c.sha256)}
			_, err := f.fetch(ctx, 0)
			if err == nil {
				t.Fatal("it was taken")
			}
			if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), server.URL) {
				t.Errorf("it does not say %q of %s, but: %v", c.says, server.URL, err)
			}
			noLeftovers(t, cache, "lock")
		})
	}
}

func TestNothingToDownload(t *testing.T) {
	t.Parallel()
	cache := filepath.Join(t.TempDir(), "cache")
	_, err := fetcher{cache: cache, log: slog.New(slog.DiscardHandler)}.fetch(t.Context(), 0)
	if err == nil || !strings.Contains(err.Error(), runtime.GOOS+"/"+runtime.GOARCH) {
		t.Errorf("it returned %v", err)
	}
}
