// Package telemetry is what whoever is on call looks at: the registry of all
// metrics, the traces, and what of a request's context goes into the log.
//
// The rooms don't know it. Each says in an interface, or in callbacks, what it can
// tell; the types here are these interfaces' other side, and the program joins them.
//
// # Metrics
//
// Each label's values are a fixed set: paths that are served, root fields of the
// schema, names of statements, codes. What a caller makes up is never among them but
// as "other" or "invalid". Suppliers are the one label that grows with the data.
//
// # Traces
//
// A trace follows a request from its arrival through its operation and the
// statements that it sends, and beyond its answer: the event that it writes carries
// the trace, so that the event's way to its subscribers is part of it, in whichever
// gateway they are. Spans have names and attributes by OpenTelemetry's semantic
// conventions where there is one. None has arguments, variables or tokens.
package telemetry
