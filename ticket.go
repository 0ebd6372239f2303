package redline

import "encoding/json"

// Operation is what a caller asks of the contract: a document, which of its operations
// is meant, and the values of its variables as they came.
type Operation struct {
	Query         string          `json:"query"`
	OperationName string          `json:"operationName,omitempty"`
	Variables     json.RawMessage `json:"variables,omitempty"`
}
