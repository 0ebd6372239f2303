package embeddedpg

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// isPostgresOf reports whether the process is a Postgres at work in the
// cluster: it is called so, and the cluster is its working directory. What
// can't be seen belongs to another user, and is not ours.
func isPostgresOf(_ context.Context, pid int, cluster string) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	name, err := os.ReadFile(filepath.Join(proc, "comm"))
	if err != nil || strings.TrimSpace(string(name)) != "postgres" {
		return false
	}
	cwd, err := os.Stat(filepath.Join(proc, "cwd"))
	if err != nil {
		return false
	}
	want, err := os.Stat(cluster)
	return err == nil && os.SameFile(cwd, want)
}
