//go:build linux || darwin

package embeddedpg

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnpack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := archive(t,
		entry{name: "pax", kind: tar.TypeXGlobalHeader},
		entry{name: "./top/", kind: tar.TypeDir, mode: 0o700},
		entry{name: "./top/bin/postgres", body: "program", mode: 0o777},
		entry{name: "top/share/note", body: "text", mode: 0o600},
		entry{name: "top/lib/libpq.so.5", body: "library", mode: 0o644},
		entry{name: "top/lib/libpq.so", kind: tar.TypeSymlink, link: "libpq.so.5"},
		entry{name: "top/lib/up", kind: tar.TypeSymlink, link: "../share/note"},
		entry{name: "top/bin/postmaster", kind: tar.TypeLink, link: "top/bin/postgres"},
	)
	if err := unpack(t.Context(), bytes.NewReader(a), dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		body string
		mode fs.FileMode
	}{
		"bin/postgres":   {"program", 0o755},
		"bin/postmaster": {"program", 0o755},
		"share/note":     {"text", 0o644},
		"lib/libpq.so":   {"library", 0o644},
		"lib/up":         {"text", 0o644},
	} {
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err != nil || string(b) != want.body {
			t.Errorf("%s holds %q, %v", name, b, err)
		}
		if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != want.mode {
			t.Errorf("%s has the mode %v, %v, and not %v", name, fi.Mode(), err, want.mode)
		}
	}
}

// escapes are archives that try to write, or to point, outside.
var escapes = map[string][]entry{
	"a name that goes up":            {{name: "top/../../outside", body: "x"}},
	"a name that goes up at once":    {{name: "../outside", body: "x"}},
	"an absolute name":               {{name: "/tmp/outside", body: "x"}},
	"a link that goes up":            {{name: "top/a", kind: tar.TypeSymlink, link: "../outside"}},
	"a link that goes up from below": {{name: "top/a/b", kind: tar.TypeSymlink, link: "../../outside"}},
	"an absolute link":               {{name: "top/a", kind: tar.TypeSymlink, link: "/etc/passwd"}},
	"a hard link that goes up":       {{name: "top/a", kind: tar.TypeLink, link: "../outside"}},
	"links that go up together": {
		{name: "top/a/b", kind: tar.TypeSymlink, link: ".."},
		{name: "top/a/c", kind: tar.TypeSymlink, link: "b/.."},
	},
	"writing by way of links that go up together": {
		{name: "top/a/b", kind: tar.TypeSymlink, link: ".."},
		{name: "top/a/c", kind: tar.TypeSymlink, link: "b/.."},
		{name: "top/a/c/outside", body: "x"},
	},
	"a device":            {{name: "top/null", kind: tar.TypeChar}},
	"a pipe":              {{name: "top/pipe", kind: tar.TypeFifo}},
	"the same name twice": {{name: "top/a", body: "x"}, {name: "top/a", body: "y"}},
}

func TestUnpackRefuses(t *testing.T) {
	t.Parallel()
	for name, entries := range escapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			dir := filepath.Join(parent, "unpacked")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			err := unpack(t.Context(), bytes.NewReader(archive(t, entries...)), dir)
			if err == nil {
				t.Fatal("it was unpacked")
			}
			if !strings.Contains(err.Error(), entries[len(entries)-1].name) {
				t.Errorf("the error does not name the entry: %v", err)
			}
			noLeftovers(t, parent, "unpacked")
		})
	}
}

// Whatever an archive holds, it changes nothing outside, and if it is taken it
// leads to nothing there.
func FuzzUnpack(f *testing.F) {
	for _, entries := range escapes {
		f.Add(archive(f, entries...))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, a []byte) {
		parent := t.TempDir()
		secret := filepath.Join(parent, "secret")
		if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(parent, "unpacked")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		refused := unpack(t.Context(), bytes.NewReader(a), dir)
		noLeftovers(t, parent, "secret", "unpacked")
		if b, err := os.ReadFile(secret); err != nil || string(b) != "secret" {
			t.Errorf("the file outside holds %q, %v", b, err)
		}
		if refused != nil {
			return
		}
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.Type()&fs.ModeSymlink == 0 {
				return err
			}
			if target, err := filepath.EvalSymlinks(path); err == nil && target != dir && !strings.HasPrefix(target, dir+"/") {
				t.Errorf("%s leads to %s", path, target)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
