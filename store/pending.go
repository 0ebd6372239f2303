package store

import (
	"context"
	"errors"

	"redline"
)

// errPending stands where a repository's method is still being built.
var errPending = errors.New("this is being built")

// ReturnsByID is being built.
func (s *Store) ReturnsByID(_ context.Context, _ redline.Principal, _ []string) (map[string]*redline.Return, error) {
	return nil, errPending
}

// FulfillmentMarkShipped is being built.
func (s *Store) FulfillmentMarkShipped(_ context.Context, _ redline.Principal, _ redline.FulfillmentShippedInput) (string, redline.Outcome, error) {
	return "", redline.Outcome{}, errPending
}

// FulfillmentMarkFailed is being built.
func (s *Store) FulfillmentMarkFailed(_ context.Context, _ redline.Principal, _ redline.FulfillmentEndInput) (string, redline.Outcome, error) {
	return "", redline.Outcome{}, errPending
}

// FulfillmentCancel is being built.
func (s *Store) FulfillmentCancel(_ context.Context, _ redline.Principal, _ redline.FulfillmentEndInput) (string, redline.Outcome, error) {
	return "", redline.Outcome{}, errPending
}

// ReturnCreate is being built.
func (s *Store) ReturnCreate(_ context.Context, _ redline.Principal, _ redline.ReturnCreateInput) (string, redline.Outcome, error) {
	return "", redline.Outcome{}, errPending
}

// ReturnReceive is being built.
func (s *Store) ReturnReceive(_ context.Context, _ redline.Principal, _ redline.ReturnReceiveInput) (string, redline.Outcome, error) {
	return "", redline.Outcome{}, errPending
}

// ReturnCancel is being built.
func (s *Store) ReturnCancel(_ context.Context, _ redline.Principal, _ redline.ReturnCancelInput) (string, redline.Outcome, error) {
	return "", redline.Outcome{}, errPending
}
