package redline

import "time"

// PulseMax is the most minutes that a pulse has.
const PulseMax = 180

// Pulse is how busy the shop is, and the gateway that tells it.
type Pulse struct {
	// At is when it was read, by the database's clock.
	At time.Time
	// Minutes are the last so many, aligned to whole minutes, the oldest first and
	// each of them there. The last is under way.
	Minutes []PulseMinute
	Load
}

// PulseMinute is what happened in one minute.
type PulseMinute struct {
	// At is when it began.
	At time.Time
	// Orders were placed.
	Orders int
	// Units of all products, in their base units, are by how much what is on hand
	// rose or fell, added up.
	Units int64
}

// Load is what one gateway's subscribers are to it.
type Load struct {
	// LogLagMs is how long ago the event log was last read to its end, in milliseconds;
	// since the gateway began where it never was.
	LogLagMs int
	// Websockets, Streams over HTTP and Subscriptions of both are open.
	Websockets, Streams, Subscriptions int
}
