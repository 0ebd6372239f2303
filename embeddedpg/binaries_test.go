//go:build linux || darwin

package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// installed makes a folder with programs that claim a version.
func installed(t *testing.T, dir, version string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postgres", "initdb"} {
		script := fmt.Sprintf("#!/bin/sh\necho \"%s (PostgreSQL) %s\"\n", name, version)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// self is whoever runs the tests.
func self() account { return account{name: "tester", uid: os.Geteuid(), gid: os.Getegid()} }

// refusals is what a search says of the folders that would not do.
func refusals(t *testing.T, err error) string {
	t.Helper()
	var missing *notFound
	if !errors.As(err, &missing) {
		t.Fatalf("it says not what it refused: %v", err)
	}
	return strings.Join(missing.refused, "\n")
}

func TestFind(t *testing.T) {
	t.Parallel()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(root, name) }
	old := installed(t, at("lib/9.6/bin"), "9.6.24")
	fourteen := installed(t, at("lib/14/bin"), "14.22 (Debian 14.22-1)")
	fifteen := installed(t, at("lib/15/bin"), "15.18 (Debian 15.18-0+deb12u1)")
	beta := installed(t, at("lib/18/bin"), "18beta1")
	seventeen := installed(t, at("elsewhere/bin"), "17.11")
	broken := installed(t, at("broken/bin"), "")
	// Links, as distributions put them on PATH.
	links := at("links")
	if err := os.Mkdir(links, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postgres", "initdb"} {
		if err := os.Symlink(filepath.Join(fifteen, name), filepath.Join(links, name)); err != nil {
			t.Fatal(err)
		}
	}
	// Half of it: clients only.
	half := installed(t, at("half"), "17.1")
	if err := os.Remove(filepath.Join(half, "postgres")); err != nil {
		t.Fatal(err)
	}
	path := func(dirs ...string) string { return strings.Join(dirs, string(filepath.ListSeparator)) }

	for name, c := range map[string]struct {
		search search
		want   string // empty: none
		says   []string
	}{
		"the first on the path":          {search{path: path("relative", half, fifteen, seventeen)}, fifteen, nil},
		"links lead to the real folder":  {search{path: path(links)}, fifteen, nil},
		"the path before newer ones":     {search{path: path(fifteen), folders: []string{at("lib/*/bin")}}, fifteen, nil},
		"too old on the path":            {search{path: path(fourteen), folders: []string{at("elsewhere/*")}}, seventeen, nil},
		"the newest of the folders":      {search{folders: []string{at("lib/*/bin"), at("elsewhere/bin")}}, beta, nil},
		"the one the cluster needs":      {search{path: path(fifteen), folders: []string{at("*/bin"), at("lib/*/bin")}, major: 17}, seventeen, nil},
		"an old cluster's":               {search{folders: []string{at("lib/*/bin")}, major: 14}, fourteen, nil},
		"not the one the cluster needs":  {search{path: path(fifteen), folders: []string{at("lib/*/bin")}, major: 16}, "", []string{fifteen + " has version 15", "made by version 16"}},
		"only old ones":                  {search{path: path(old, fourteen)}, "", []string{old + " has version 9", fourteen + " has version 14", "15 or newer"}},
		"one that is no Postgres at all": {search{path: path(broken)}, "", []string{broken}},
		"none":                           {search{path: path(root, "", "relative"), folders: []string{at("nowhere/*")}}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.search.as = self()
			got, err := c.search.find(t.Context())
			if got.dir != c.want && err == nil || (err == nil) != (c.want != "") {
				t.Fatalf("found %q and %v, not %q", got.dir, err, c.want)
			}
			if err == nil {
				return
			}
			said := refusals(t, err)
			for _, part := range c.says {
				if !strings.Contains(said, part) {
					t.Errorf("it does not say %q, but %q", part, said)
				}
			}
			if len(c.says) == 0 && said != "" {
				t.Errorf("it refused %q", said)
			}
		})
	}
}

func TestFindHeedsItsContext(t *testing.T) {
	t.Parallel()
	dir := installed(t, t.TempDir(), "17.1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (search{path: dir, as: self()}).find(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("it returned %v", err)
	}
}

// Nothing on the machine, then a download: whatever comes of it is told.
func TestObtain(t *testing.T) {
	t.Parallel()
	good := archive(t,
		entry{name: "postgresql-17/bin/postgres", body: "#!/bin/sh\necho 'postgres (PostgreSQL) 17.11'\n", mode: 0o755},
		entry{name: "postgresql-17/bin/initdb", body: "#!/bin/sh\n", mode: 0o755})
	foreign := archive(t,
		entry{name: "postgresql-17/bin/postgres", body: "#!/bin/sh\necho 'libxml2.so.2: cannot open' >&2\nexit 127\n", mode: 0o755},
		entry{name: "postgresql-17/bin/initdb", body: "#!/bin/sh\n", mode: 0o755})

	for name, c := range map[string]struct {
		served []byte
		pinned []byte
		major  int
		says   []string // empty: it is found
	}{
		"the pinned one":            {served: good, pinned: good},
		"for the cluster's version": {served: good, pinned: good, major: preferred},
		"another than the pinned":   {served: foreign, pinned: good, says: []string{"SHA-256", sum(foreign), sum(good), "refused", "install Postgres"}},
		"a version that is no use":  {served: good, pinned: good, major: 16, says: []string{"version 17", "version 16", "install Postgres"}},
		"one that does not run":     {served: foreign, pinned: foreign, says: []string{"no use here", "libxml2.so.2: cannot open", "install Postgres"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(c.served) }))
			defer server.Close()
			cache := filepath.Join(t.TempDir(), "cache")
			f := fetcher{cache: cache, client: downloadClient(), log: slog.New(slog.DiscardHandler), releases: only(server.URL, sum(c.pinned))}

			got, err := search{major: c.major, as: self()}.obtain(t.Context(), f)
			if len(c.says) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				if want := (binaries{dir: filepath.Join(cache, "postgresql-17", "bin"), major: preferred}); got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
				return
			}
			if err == nil {
				t.Fatalf("it found %+v", got)
			}
			for _, part := range c.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("it does not say %q, but: %v", part, err)
				}
			}
		})
	}
}
