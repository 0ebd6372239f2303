//go:build !race

package server_test

// slowdown is by how much the race detector may slow things down, which isn't here.
const slowdown = 1
