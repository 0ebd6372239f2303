// Package server is the HTTP room: routes, GraphQL over HTTP, the limits that
// every operation passes before it costs anything, health, and stopping
// without losing a request.
//
// A request goes through one pipeline: it gets an id, it is said from which
// address and by what it came, browsers are told what they may do with the
// answer, its token becomes a principal, its path picks a handler, and one line
// of the access log tells what came of it. A panic anywhere in it is one
// "internal error" to the caller, a stack in the log, and nothing to the other
// requests.
//
// What is answered follows the GraphQL over HTTP specification. Accept picks
// application/graphql-response+json, whose status tells what happened, or
// application/json, which is 200 for every well-formed request:
//
//	                                     graphql-response+json   json
//	data, with or without errors         200                     200
//	data is null                         200                     200
//	  and every error is UNAVAILABLE     503, Retry-After        200
//	nothing ran: syntax, validation,
//	limits, variables, operation name    400, no data            200, no data
//	an operation that isn't listed       403                     200, no data
//	too much was asked for lately        429, Retry-After        429, Retry-After
//	not a well-formed request            400                     400
//	a mutation or subscription by GET    405, Allow: POST        405
//	a bad token                          401                     401
//
// The row with UNAVAILABLE departs from a SHOULD of the specification (2xx
// where data is null), so that proxies and clients back off from a gateway
// without a database. With application/json the specification asks for 200
// more strongly, and a client there does not trust another status' body. 429 is for
// both: what stands between has to see it as well. A client that has no wish, or any,
// gets the former, as the specification has it since 2025.
//
// NewExecutor makes an executor of those of gqlgen: with limits, costs, persisted
// operations and a rate limit that hold for every transport that it serves, the
// websocket among them. What is asked goes this way:
//
//	find       the document by its text, or by a hash or an id that stands for it
//	admit      limits on the text and, with fragments written out, on what it asks
//	validate   by gqlgen, once for each text; introspection by who asks
//	charge     the cost, by the schema and the variables; then the caller's bucket
//	run
//
// docs/limits.md has it all for those who ask.
package server
