//go:build !linux

package main

import (
	"fmt"
	"runtime"
	"syscall"
	"time"
)

// Only Linux tells of a parent's end, and of other processes, in files.

func dieWithParent() *syscall.SysProcAttr { return nil }

func cpuOf(int) (time.Duration, bool) { return 0, false }

func cpuOfCluster(int) (time.Duration, bool) { return 0, false }

func residentOf(int) (int64, bool) { return 0, false }

func machine() string {
	return fmt.Sprintf("%d cores, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
}
