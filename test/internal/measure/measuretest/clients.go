package measuretest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"redline/test/internal/measure"
)

// NeedNode skips a test where there is no Node, or dir hasn't the packages of its
// clients; in CI, where both are installed first, it fails.
func NeedNode(t *testing.T, dir string) {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), "node", "--version").Output()
	major, _, _ := strings.Cut(strings.TrimPrefix(string(said), "v"), ".")
	if n, _ := strconv.Atoi(major); err != nil || n < 20 {
		lacking(t, "there is no Node 20 or newer: `make node` installs it, or says what to install")
	}
	want, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "node_modules", ".lock")); err != nil || !bytes.Equal(got, want) {
		lacking(t, "the packages of test/clients aren't installed, or others than its lock names: `make node` installs them")
	}
}

// NeedChromium returns where the browser is, likewise.
func NeedChromium(t *testing.T) string {
	t.Helper()
	path, err := measure.Chromium()
	if err != nil {
		lacking(t, err.Error())
	}
	return path
}

func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}
