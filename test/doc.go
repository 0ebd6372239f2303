// Package test holds the end-to-end tests: they build the redline command, run
// it on private Postgreses with the demo data, and talk to it as its users do,
// over HTTP, websockets and the command line.
package test
