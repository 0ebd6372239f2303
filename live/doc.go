// Package live carries committed changes from the event log to whoever
// watches: a Tailer reads the log, a Broker hands each event to those who want
// it, and a WebSocket speaks graphql-transport-ws with the clients.
//
//	commit → Log (store) → Tailer → Broker → resolver → executor → WebSocket
//
// Nothing is published that was not read back from the log, so everybody is
// told the same story in the same order.
//
// # What a subscription's resolver owes
//
// It calls Broker.Subscribe with the context that it was given and the one type
// of events that it tells of, passes each
// event on as exactly one value, in order, through an unbuffered channel, and
// closes that channel when the broker's channel closes. Filters belong into
// want, so that no event has to be left out afterwards. From that the transport
// knows which event an answer belongs to, and so from where a client that is
// cut off can resume. A resolver that leaves events out is safe, but its
// clients are told to resume from further back than they need to; one that
// answers without an event can make them miss the event that it holds.
//
// # Nobody waits for a slow reader
//
// There are two bounded queues between the log and a client: the broker's, for
// each subscription, and the websocket's, for each socket. Whoever fills one is
// cut off, with code 4013 and the cursor from which all of its operations can
// resume. Neither the tailer nor any other subscriber notices.
package live
