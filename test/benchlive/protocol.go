package main

import "time"

// watch is the operation that all readers subscribe to; whose stock they watch is
// in its variables, as clients write it.
const watch = `subscription Watch($skus: [String!]) { availabilityChanged(filter: {skus: $skus}) {
  cursor kind at available stale product { sku name } location { code } } }`

// job says whom a load generator is: so many readers, each on a socket of its
// own. The nth watches the product Groups[n % len(Groups)].
type job struct {
	Addr    string
	Readers int
	Groups  []string
}

// command is what the orchestrator asks of a load generator, one a line.
//
// From then on it measures: event 0 is the next of the first group, and so on in
// turn over the first Active groups; Batch events in a row are published at once,
// and are one publication. After says which number each group's last event had.
//
// The answers have its Serial: at once, and when nobody is behind.
type command struct {
	Serial int
	After  []int64
	Active int
	Batch  int
}

// told is what a load generator tells, one a line.
type told struct {
	// Open: all readers have sent their subscription.
	Open bool `json:",omitempty"`
	// Heard is a command's serial, and Behind how many readers haven't yet got all
	// events up to where measuring begins.
	Heard, Behind int `json:",omitempty"`
	// Begun is a command's serial: nobody is behind.
	Begun int `json:",omitempty"`
	// Sample is a whole message, as some reader got it; with Begun.
	Sample string `json:",omitempty"`
	// Done is a publication that each reader has got whom it concerns.
	Done *publication `json:",omitempty"`
	// Fault is what a reader got that it must not have got; it is the last word.
	Fault string `json:",omitempty"`
}

// publication is what became of one. Times are nanoseconds since 1970.
type publication struct {
	N           int
	At          int64 // what its event says, the transaction's own time
	First, Last int64 // when the first reader and the last had got it
	Got         int   // messages
}

// since is how long after the event's own time something was.
func (p publication) since(t int64) time.Duration { return time.Duration(t - p.At) }
