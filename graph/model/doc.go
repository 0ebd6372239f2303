// Package model holds the few types of the contract that the domain doesn't
// have: connections, payloads, events and the inputs of subscriptions. All else
// is bound to the root package's types.
package model
