// Package live carries committed changes from the event log to whoever
// watches: a Tailer reads the log, a Broker hands each event to the groups that
// it concerns, and the answers go out over websockets, which speak
// graphql-transport-ws, and streams over HTTP.
//
//	commit → Log (store) → Tailer → Broker → group → executor → client's outbox → writer
//
// Nothing is published that was not read back from the log, so everybody is
// told the same story in the same order.
//
// # What a subscription's resolver owes
//
// It calls Broker.Follow with the context that it was given and a
// redline.LiveQuery, and returns a channel that has room for redline.TellMax
// values, into which the query's Tell puts one for each thing that is told.
// Nothing else: when something is told, to whom, and from where, is the
// engine's business. Filters belong into Wants, and what narrows them most into
// Terms.
//
// # What an operation goes through
//
//	subscribe → prepare: parse, validate → dispatch: its resolver follows a query
//	          → catchUp: the state, or the log behind its cursor, told by itself
//	          → join: a member of its group from the broker's head on; what the group tells is held
//	          → the rest up to that head, CAUGHT_UP → live: what was held, and all that follows
//
// While it catches up it has a goroutine and an execution of its own, and waits
// for its reader; live it has neither, and is cut off where its reader doesn't keep up.
// With other rights it leaves its group where it stands, and catches up again.
//
// # Locks
//
// The broker's mu comes first, then a group's, then a client's. A client that
// ends an operation has it leave its group after it has let go of its own.
//
// # Nobody waits for a slow reader
//
// There is one bounded queue between a group and a client, the client's outbox. A
// group whose executor is held up, by what it reads beside events, lets them wait
// for it, for as long as each such reading may take; no other group notices.
// Whoever fills it is cut off, with code 4013 and the cursor from which all of
// its operations can resume; of an operation that asked for the latest, a newer
// answer takes the place of the one that waits. Neither the tailer nor any other
// reader notices.
package live
