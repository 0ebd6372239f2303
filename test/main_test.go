package test_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"redline"
	"redline/auth"
)

const (
	// patience is how long a test waits for what has to come.
	patience = time.Minute
	// startPatience is how long a server may take to listen: its first start
	// makes a cluster, and may have to fetch a Postgres.
	startPatience = 3 * time.Minute
)

// world is what all tests share.
var world struct {
	// dir is the test run's own directory. It can be passed through by the user
	// that Postgres runs as.
	dir string
	// binary is the command, built with the race detector where that works.
	binary string
	// key signs the tokens of every data directory made from the template.
	key *auth.SigningKey
	// shared starts the server that most tests use. They keep to products and
	// orders of their own.
	shared func() (*server, error)
}

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "end-to-end tests:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	if world.dir, err = os.MkdirTemp("", "redline-test-"); err != nil {
		return 0, fmt.Errorf("making a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(world.dir)) }()
	if err := os.Chmod(world.dir, 0o711); err != nil {
		return 0, fmt.Errorf("letting Postgres through: %w", err)
	}
	if err := build(); err != nil {
		return 0, err
	}
	if err := makeTemplate(); err != nil {
		return 0, err
	}
	if world.key, err = auth.LoadOrCreateKey(template()); err != nil {
		return 0, fmt.Errorf("reading the template's key: %w", err)
	}
	var started *server
	world.shared = sync.OnceValues(func() (*server, error) {
		dir, err := copyTemplate("shared")
		if err != nil {
			return nil, err
		}
		started, err = launch(dir, "serve", "--demo")
		return started, err
	})
	code = m.Run()
	if started != nil {
		err = errors.Join(started.stop(), started.faults())
	}
	return code, err
}

// build builds the command, plain where the race detector has no C compiler,
// and without the profile, for which all packages would be compiled once more.
func build() error {
	world.binary = filepath.Join(world.dir, "redline")
	var said []byte
	for _, flags := range [][]string{{"-race"}, nil} {
		args := append(append([]string{"build", "-pgo=off"}, flags...), "-o", world.binary, "redline/cmd/redline")
		var err error
		if said, err = exec.Command("go", args...).CombinedOutput(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("building the command: %s", said)
}

func template() string { return filepath.Join(world.dir, "template") }

// makeTemplate makes a data directory with the demo data, to be copied: making
// a cluster takes longer than all that a test does with it.
func makeTemplate() error {
	s, err := launch(template(), "serve", "--demo")
	if err != nil {
		return err
	}
	return errors.Join(s.stop(), s.faults())
}

// copyTemplate makes a data directory with the demo data and the shared key.
func copyTemplate(name string) (string, error) {
	to := filepath.Join(world.dir, name)
	// cp keeps the owners, as Postgres insists.
	if said, err := exec.Command("cp", "-a", template(), to).CombinedOutput(); err != nil {
		return "", fmt.Errorf("copying the template: %w: %s", err, said)
	}
	return to, nil
}

// ownDir makes a data directory of the test's own, with the demo data.
func ownDir(t *testing.T) string {
	t.Helper()
	dir, err := copyTemplate(fileName(t))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// emptyDir is the name of a data directory that isn't there yet.
func emptyDir(t *testing.T) string {
	t.Helper()
	return filepath.Join(world.dir, fileName(t))
}

// fileName is a name that no other run of the test has, were it run again.
func fileName(t *testing.T) string {
	return strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()) + "-" + newKey()[:8]
}

// demo returns the shared server.
func demo(t *testing.T) *server {
	t.Helper()
	s, err := world.shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// issue makes a token as `redline token` does.
func issue(t testing.TB, c auth.Claims) string {
	t.Helper()
	c.Issuer, c.Audience, c.TTL = auth.DefaultIssuer, auth.DefaultAudience, time.Hour
	if c.Subject == "" {
		c.Subject = strings.ToLower(string(c.Role))
	}
	token, err := world.key.Issue(c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func operatorToken(t testing.TB) string {
	t.Helper()
	return issue(t, auth.Claims{Role: redline.RoleOperator})
}

func shopToken(t testing.TB, subject string) string {
	t.Helper()
	return issue(t, auth.Claims{Role: redline.RoleStorefront, Subject: subject})
}

func supplierToken(t testing.TB, codes ...string) string {
	t.Helper()
	return issue(t, auth.Claims{Role: redline.RoleSupplier, Subject: "supplier:" + codes[0], Suppliers: codes})
}

// eventually asks again until it is so, at most for patience: for what sends
// no signal.
func eventually(t testing.TB, what string, isSo func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !isSo(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}
