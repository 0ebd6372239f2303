package embeddedpg

import "syscall"

// sysProcAttr runs a child as that account, away from the terminal and its
// Ctrl-C, and has the kernel send it atParentsDeath when this process ends
// without having stopped it.
func sysProcAttr(as account, atParentsDeath syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Setsid:     true,
		Credential: as.credential,
		Pdeathsig:  atParentsDeath,
	}
}
