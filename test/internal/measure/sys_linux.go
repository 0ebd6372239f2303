package measure

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// dieWithParent makes the kernel end a child when we do, however that is.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// tick is the unit of times in /proc, which Linux fixes for programs.
const tick = 10 * time.Millisecond

// procStat is what /proc/<pid>/stat tells that matters here.
type procStat struct {
	parent int
	own    time.Duration // of the process
	reaped time.Duration // of its children that have ended
}

func readStat(path string) (procStat, error) {
	var s procStat
	b, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	// The name, in brackets, may hold anything; behind it come numbers.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 15 {
		return s, fmt.Errorf("%s has %d fields", path, len(fields))
	}
	n := make([]int, 15)
	for _, i := range []int{1, 11, 12, 13, 14} {
		if n[i], err = strconv.Atoi(fields[i]); err != nil {
			return s, fmt.Errorf("reading %s: %w", path, err)
		}
	}
	s.parent = n[1]
	s.own, s.reaped = time.Duration(n[11]+n[12])*tick, time.Duration(n[13]+n[14])*tick
	return s, nil
}

// CPU is the processor time that a process has used.
func CPU(pid int) (time.Duration, bool) {
	s, err := readStat(fmt.Sprintf("/proc/%d/stat", pid))
	return s.own, err == nil
}

// ClusterCPU is the processor time that a postmaster and all of its children
// have used, those that have ended with them.
func ClusterCPU(master int) (time.Duration, bool) {
	stat := fmt.Sprintf("/proc/%d/stat", master)
	for range 20 {
		before, err := readStat(stat)
		if err != nil {
			return 0, false
		}
		all := before.own + before.reaped
		paths, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
		for _, path := range paths {
			if s, err := readStat(path); err == nil && s.parent == master { // others may end meanwhile
				all += s.own
			}
		}
		// A child that ended between the two was missed, or counted twice.
		if after, err := readStat(stat); err == nil && after.reaped == before.reaped {
			return all, true
		}
	}
	return 0, false
}

// Resident is the memory that a process has, in bytes.
func Resident(pid int) (int64, bool) {
	return kilobytes(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:")
}

// Peak is the most memory that a process has had, in bytes.
func Peak(pid int) (int64, bool) {
	return kilobytes(fmt.Sprintf("/proc/%d/status", pid), "VmHWM:")
}

// Family are a process and its children.
func Family(pid int) []int {
	all := []int{pid}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	for _, path := range paths {
		s, err := readStat(path)
		if err != nil || s.parent != pid { // others may end meanwhile
			continue
		}
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			all = append(all, child)
		}
	}
	return all
}

// kilobytes reads a value in kB of a file such as /proc/meminfo, as bytes.
func kilobytes(path, name string) (int64, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name {
			n, err := strconv.ParseInt(fields[1], 10, 64)
			return n << 10, err == nil
		}
	}
	return 0, false
}

// Machine says what this is measured on.
func Machine() string {
	text := fmt.Sprintf("%d cores", runtime.NumCPU())
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				text += " (" + strings.TrimSpace(value) + ")"
				break
			}
		}
	}
	if n, ok := kilobytes("/proc/meminfo", "MemTotal:"); ok {
		text += fmt.Sprintf(", %.0f GB of memory", float64(n)/(1<<30))
	}
	return text + ", " + runtime.GOOS + "/" + runtime.GOARCH
}
