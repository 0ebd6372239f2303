//go:build !linux

package main

import (
	"errors"
	"io"
	"os"
)

// errLinux: the load generator waits for its sockets as only Linux lets it.
var errLinux = errors.New("make bench-live runs on Linux alone")

func load(*os.File, io.Writer) error { return errLinux }

func maxFiles() (int, error) { return 0, errLinux }
