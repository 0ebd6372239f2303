package redline

import "encoding/json"

// Operation is a GraphQL operation as a client asks for it.
type Operation struct {
	Query         string          `json:"query"`
	OperationName string          `json:"operationName,omitempty"`
	Variables     json.RawMessage `json:"variables,omitempty"`
}
