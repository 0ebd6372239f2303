package embeddedpg

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
)

// isPostgresOf reports whether the process is a Postgres at work in the
// cluster: it was started under that name, with the cluster as its first
// argument.
func isPostgresOf(ctx context.Context, pid int, cluster string) bool {
	out, err := tool(ctx, account{}, "", "/", "/bin/ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid))
	if err != nil {
		return false
	}
	program, args, found := strings.Cut(strings.TrimSpace(out), " -D ")
	return found && filepath.Base(program) == "postgres" &&
		(args == cluster || strings.HasPrefix(args, cluster+" "))
}
