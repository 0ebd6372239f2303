package main

import "os"

// garbageRoom is how much garbage may gather beside what is in use, in bytes,
// before the collector looks for it.
const garbageRoom = 24 << 20

// ballast returns what has to be kept for as long as the process serves, to
// give the collector room.
//
// Redline has few megabytes in use. The collector starts when as much again was
// allocated, and so would run many times a second under load. Bytes that are
// never touched count as in use, but take no memory of the machine. Unlike a
// higher GOGC they make a difference only where little is in use, and unlike a
// memory limit they can't have the collector run without a pause where much is.
// Whoever sets GOGC or GOMEMLIMIT has a plan of their own.
func ballast() []byte {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	return make([]byte, garbageRoom)
}
