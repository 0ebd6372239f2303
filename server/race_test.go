//go:build race

package server_test

// slowdown is by how much the race detector may slow things down: what reads bytes one
// by one it slows most. What grows out of hand is noticed all the same.
const slowdown = 50
