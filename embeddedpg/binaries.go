//go:build linux || darwin

package embeddedpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// oldest is the first major version that will do.
const oldest = 15

// versionTimeout bounds "postgres --version", which takes milliseconds.
const versionTimeout = 20 * time.Second

// usualFolders is where Postgres is installed when it is not on PATH.
var usualFolders = []string{
	"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
	"/usr/pgsql-*/bin",          // the PostgreSQL project's own RPMs
	"/usr/lib/postgresql*/bin",  // SUSE
	"/usr/libexec/postgresql*",  // Alpine
	"/usr/local/pgsql/bin",      // built from source
	"/opt/homebrew/opt/postgresql*/bin",
	"/usr/local/opt/postgresql*/bin", // Homebrew on Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/Library/PostgreSQL/*/bin",      // EDB's installer
	"/opt/local/lib/postgresql*/bin", // MacPorts
}

// binaries is a folder with Postgres' programs.
type binaries struct {
	dir   string
	major int
}

func (b binaries) postgres() string { return filepath.Join(b.dir, "postgres") }
func (b binaries) initdb() string   { return filepath.Join(b.dir, "initdb") }

// search is where to look for Postgres' programs, and what for.
type search struct {
	path    string   // in the form of $PATH
	folders []string // patterns
	major   int      // only this one; 0: the oldest allowed or newer
	as      account  // who has to be able to run them
}

// notFound tells what was looked at and why it would not do.
type notFound struct{ refused []string }

func (e *notFound) Error() string {
	if len(e.refused) == 0 {
		return "no Postgres was found"
	}
	return "no Postgres that will do was found: " + strings.Join(e.refused, "; ")
}

// find returns the first folder on the path that has what it takes, else the
// one with the newest version among the folders, else *notFound.
func (s search) find(ctx context.Context) (binaries, error) {
	missing := &notFound{}
	try := func(dir string) (binaries, bool) {
		b, err := s.inspect(ctx, dir)
		if err != nil {
			missing.refused = append(missing.refused, err.Error())
		}
		return b, err == nil
	}
	seen := map[string]bool{}
	for _, dir := range filepath.SplitList(s.path) {
		if dir = realDir(dir); dir == "" || seen[dir] {
			continue
		}
		seen[dir] = true
		if b, ok := try(dir); ok {
			return b, ctx.Err()
		}
	}
	var found []binaries
	for _, pattern := range s.folders {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			return binaries{}, fmt.Errorf("looking for Postgres in %s: %w", pattern, err)
		}
		for _, dir := range dirs {
			if dir = realDir(dir); dir == "" || seen[dir] {
				continue
			}
			seen[dir] = true
			if b, ok := try(dir); ok {
				found = append(found, b)
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return binaries{}, err
	}
	if len(found) == 0 {
		return binaries{}, missing
	}
	return slices.MaxFunc(found, func(a, b binaries) int { return cmp.Compare(a.major, b.major) }), nil
}

// realDir returns the folder that the postgres in dir really is in, if initdb
// is there too: distributions put links to both on PATH. Empty: neither.
func realDir(dir string) string {
	if !filepath.IsAbs(dir) {
		return ""
	}
	postgres, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return ""
	}
	dir = filepath.Dir(postgres)
	for _, name := range []string{"postgres", "initdb"} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || fi.IsDir() {
			return ""
		}
	}
	return dir
}

// inspect returns the programs in dir if they run and have the right version.
func (s search) inspect(ctx context.Context, dir string) (binaries, error) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	b := binaries{dir: dir}
	out, err := tool(ctx, s.as, "", "/", b.postgres(), "--version")
	if err != nil {
		return b, fmt.Errorf("the one in %s does not run as user %s: %w", dir, s.as.name, err)
	}
	if b.major, err = majorOf(out); err != nil {
		return b, fmt.Errorf("the one in %s: %w", dir, err)
	}
	switch {
	case s.major == 0 && b.major < oldest:
		return b, fmt.Errorf("the one in %s has version %d, and it takes %d or newer", dir, b.major, oldest)
	case s.major != 0 && b.major != s.major:
		return b, fmt.Errorf("the one in %s has version %d, and the cluster was made by version %d", dir, b.major, s.major)
	}
	return b, nil
}

var versionPattern = regexp.MustCompile(`^postgres \(PostgreSQL\) (\d+)`)

// majorOf reads what "postgres --version" says.
func majorOf(out string) (int, error) {
	m := versionPattern.FindStringSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("it gives its version as %q", strings.TrimSpace(out))
	}
	return strconv.Atoi(m[1])
}

// obtain finds Postgres' programs on the machine, or else fetches them into
// the cache.
func (s search) obtain(ctx context.Context, f fetcher) (binaries, error) {
	b, err := s.find(ctx)
	var missing *notFound
	if !errors.As(err, &missing) {
		return b, err
	}
	dir, err := f.fetch(ctx, s.major)
	if err != nil {
		return binaries{}, fmt.Errorf("%w; %w; %s", missing, err, whatToInstall(s.major))
	}
	if b, err = s.inspect(ctx, dir); err != nil {
		return binaries{}, fmt.Errorf("%w; the downloaded Postgres is of no use here: %w; %s", missing, err, whatToInstall(s.major))
	}
	return b, nil
}

// whatToInstall says how to get Postgres on a machine like this one.
func whatToInstall(major int) string {
	version := major
	if version == 0 {
		version = preferred
	}
	for _, m := range []struct{ tool, command string }{
		{"apt-get", "apt-get install postgresql"},
		{"dnf", "dnf install postgresql-server"},
		{"zypper", "zypper install postgresql-server"},
		{"apk", fmt.Sprintf("apk add postgresql%d", version)},
		{"pacman", "pacman -S postgresql"},
		{"brew", fmt.Sprintf("brew install postgresql@%d", version)},
	} {
		if _, err := exec.LookPath(m.tool); err == nil {
			return fmt.Sprintf("install Postgres (%s), or use one of your own and give its URL", m.command)
		}
	}
	return fmt.Sprintf("install Postgres %d (https://www.postgresql.org/download/), or use one of your own and give its URL", version)
}
