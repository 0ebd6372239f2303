//go:build unix

package pgtest

import (
	"io/fs"
	"os"
	"syscall"
)

// ours reports whether a file belongs to this process' user.
func ours(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}
