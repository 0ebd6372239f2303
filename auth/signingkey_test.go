package auth_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"redline"
	"redline/auth"
)

// keyDirVariable makes the test binary a process that loads the key of a
// directory once its input ends, and prints the key's id.
const keyDirVariable = "AUTH_TEST_KEY_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(keyDirVariable); dir != "" {
		os.Exit(loadKeyOnSignal(dir))
	}
	goleak.VerifyTestMain(m)
}

func loadKeyOnSignal(dir string) int {
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	key, err := auth.LoadOrCreateKey(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(key.Public().ID())
	return 0
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestKeyIsMadeOnFirstUse(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data", "redline")
	first, err := auth.LoadOrCreateKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "signing-key.pem")
	if got := mode(t, path); got != 0o600 {
		t.Errorf("the key has the mode %o", got)
	}
	if got := mode(t, dir); got != 0o700 {
		t.Errorf("the directory has the mode %o", got)
	}
	onlyTheKeyIn(t, dir)

	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := auth.LoadOrCreateKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) || first.Public().ID() != second.Public().ID() {
		t.Error("the second use made another key")
	}
	raw, err := first.Issue(auth.Claims{Subject: "ops", Role: redline.RoleOperator, TTL: auth.MinTTL})
	if err != nil {
		t.Fatal(err)
	}
	accept(t, verifierFor(t, second.Public()), raw)

	elsewhere, err := auth.LoadOrCreateKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, verifierFor(t, elsewhere.Public()), raw, "unknown key")
}

func TestKeyLeavesAnExistingDirectoryAsItIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.LoadOrCreateKey(dir); err != nil {
		t.Fatal(err)
	}
	if got := mode(t, dir); got != 0o755 {
		t.Errorf("the directory has the mode %o", got)
	}
}

func onlyTheKeyIn(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("the directory has %v", entries)
	}
}

func TestKeyIsOneForAllGoroutines(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	start := make(chan struct{})
	ids := make([]string, 64)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			<-start
			key, err := auth.LoadOrCreateKey(dir)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = key.Public().ID()
		})
	}
	close(start)
	all.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("keys %s and %s", ids[0], id)
		}
	}
	onlyTheKeyIn(t, dir)
}

func TestKeyIsOneForAllProcesses(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	type process struct {
		cmd    *exec.Cmd
		start  io.Closer
		output *bufio.Scanner
		errors bytes.Buffer
	}
	processes := make([]*process, 8)
	for i := range processes {
		p := &process{cmd: exec.CommandContext(t.Context(), self)}
		p.cmd.Env = append(os.Environ(), keyDirVariable+"="+dir)
		p.cmd.Stderr = &p.errors
		if p.start, err = p.cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		output, err := p.cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		p.output = bufio.NewScanner(output)
		if err := p.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		processes[i] = p
	}
	for _, p := range processes {
		if !p.output.Scan() {
			t.Errorf("a process did not come up: %v", p.output.Err())
		}
	}
	for _, p := range processes {
		if err := p.start.Close(); err != nil {
			t.Error(err)
		}
	}
	ids := map[string]int{}
	for _, p := range processes {
		p.output.Scan()
		ids[p.output.Text()]++
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, &p.errors)
		}
	}
	key, err := auth.LoadOrCreateKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	if ids[key.Public().ID()] != len(processes) {
		t.Errorf("the key is %s, but the processes have %v", key.Public().ID(), ids)
	}
	onlyTheKeyIn(t, dir)
}

func TestKeyOpenToOthersIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := auth.LoadOrCreateKey(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "signing-key.pem")
	for bit := os.FileMode(0o001); bit <= 0o040; bit <<= 1 {
		if err := os.Chmod(path, 0o600|bit); err != nil {
			t.Fatal(err)
		}
		_, err := auth.LoadOrCreateKey(dir)
		if err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %o: %v", 0o600|bit, err)
		}
	}
	for _, fine := range []os.FileMode{0o600, 0o400} {
		if err := os.Chmod(path, fine); err != nil {
			t.Fatal(err)
		}
		if _, err := auth.LoadOrCreateKey(dir); err != nil {
			t.Errorf("mode %o: %v", fine, err)
		}
	}
}

func TestDamagedKeyIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := pkcs8(private)
	for name, content := range map[string][]byte{
		"empty":            {},
		"garbage":          []byte("garbage"),
		"half a key":       good[:len(good)/2],
		"two keys":         append(bytes.Clone(good), good...),
		"something behind": append(bytes.Clone(good), "x"...),
		"a public key":     publicPEM(t, private.Public()),
		"another type":     pkcs8(p256),
		"no PKCS#8":        pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private.Seed()}),
		"very long":        append(bytes.Repeat([]byte("\n"), 1<<20), good...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "signing-key.pem")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := auth.LoadOrCreateKey(dir)
			if err == nil || !strings.Contains(err.Error(), path+" is damaged") {
				t.Errorf("error %v", err)
			}
			kept, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(kept, content) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}

func TestKeyWhereThereCanBeNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.LoadOrCreateKey(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file as directory: %v", err)
	}
	if _, err := auth.LoadOrCreateKey(filepath.Join(file, "below")); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a directory below a file: %v", err)
	}
	path := filepath.Join(dir, "signing-key.pem")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.LoadOrCreateKey(dir); err == nil || !strings.Contains(err.Error(), path+" is not a file") {
		t.Errorf("a directory as key: %v", err)
	}
	dangling := t.TempDir()
	if err := os.Symlink("nowhere", filepath.Join(dangling, "signing-key.pem")); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.LoadOrCreateKey(dangling); err == nil || !strings.Contains(err.Error(), dangling) {
		t.Errorf("a link to nowhere: %v", err)
	}
}
