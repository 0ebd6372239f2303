//go:build !race

package server_test

// slowdown is by how much the race detector slows everything down.
const slowdown = 1
