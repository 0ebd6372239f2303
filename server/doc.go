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
//	not a well-formed request            400                     400
//	a mutation or subscription by GET    405, Allow: POST        405
//	a bad token                          401                     401
//
// The row with UNAVAILABLE departs from a SHOULD of the specification (2xx
// where data is null), so that proxies and clients back off from a gateway
// without a database. With application/json the specification asks for 200
// more strongly, and a client there does not trust another status' body.
//
// ConfigureExecutor gives a gqlgen executor its limits, so that they hold for
// every transport that the executor serves, the websocket among them.
package server
