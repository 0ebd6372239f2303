package embeddedpg

import "syscall"

// sysProcAttr runs a child as that account, away from the terminal and its
// Ctrl-C. macOS has no signal for the death of a parent: a Postgres that is
// left over is stopped by the next Start.
func sysProcAttr(as account, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Setsid:     true,
		Credential: as.credential,
	}
}
