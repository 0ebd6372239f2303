// Package redline holds the domain of the Redline gateway: its types, the
// rules of stock and orders, the state machines, who may see what, and the
// errors. It imports the standard library alone, so that every other room can
// import it and none of them needs another.
package redline
