//go:build !linux

package measure

import (
	"fmt"
	"runtime"
	"syscall"
	"time"
)

// Only Linux tells of a parent's end, and of other processes, in files.

func dieWithParent() *syscall.SysProcAttr { return nil }

// CPU is not known here.
func CPU(int) (time.Duration, bool) { return 0, false }

// ClusterCPU is not known here.
func ClusterCPU(int) (time.Duration, bool) { return 0, false }

// Resident is not known here.
func Resident(int) (int64, bool) { return 0, false }

// Peak is not known here.
func Peak(int) (int64, bool) { return 0, false }

// Family is the process alone: its children are not known here.
func Family(pid int) []int { return []int{pid} }

// Machine says what this is measured on.
func Machine() string {
	return fmt.Sprintf("%d cores, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
}
