package graph

import (
	"context"
	"errors"

	"redline"
	"redline/graph/model"
)

// refusal is a mutation's refusal as its payload shows it, of which whoever watches
// is told. ok is as userErrors has it.
func (m mutation) refusal(ctx context.Context, err error) (shown []model.UserError, ok bool) {
	if shown, ok = userErrors(err); ok {
		m.refused(ctx)
	}
	return shown, ok
}

// userErrors turns a mutation's refusal into the typed errors of its payload.
// ok is false where the error is none that a caller can act on by its input:
// then it is one of the request.
func userErrors(err error) (shown []model.UserError, ok bool) {
	var several redline.Errors
	if !errors.As(err, &several) {
		var one *redline.Error
		if !errors.As(err, &one) {
			return nil, false
		}
		several = redline.Errors{one}
	}
	for _, e := range several {
		switch e.Code {
		case redline.CodeUnauthenticated, redline.CodeOutcomeUnknown, redline.CodeUnavailable:
			return nil, false
		}
	}
	return typed(several), true
}

// typed gives each error the type that its code has in the contract.
func typed(list redline.Errors) []model.UserError {
	shown := make([]model.UserError, len(list))
	for i, e := range list {
		shown[i] = userError(e)
	}
	return shown
}

func userError(e *redline.Error) model.UserError {
	switch {
	case e.Code == redline.CodeInvalid:
		return &model.InvalidInput{Code: e.Code, Message: e.Message, Field: e.Field}
	case e.Code == redline.CodeNotFound:
		return &model.NotFound{Code: e.Code, Message: e.Message, Field: e.Field}
	case e.Code == redline.CodeInsufficientStock && e.Product != nil:
		return &model.InsufficientStock{
			Code: e.Code, Message: e.Message, Field: e.Field,
			Product: e.Product, Requested: e.Requested, Available: e.Available,
		}
	case e.Code == redline.CodeVersionMismatch:
		return &model.VersionMismatch{Code: e.Code, Message: e.Message, Field: e.Field, Expected: e.Expected, Actual: e.Actual}
	case e.Code == redline.CodeInvalidTransition:
		return &model.InvalidTransition{Code: e.Code, Message: e.Message, Field: e.Field, From: e.From, To: e.To, Allowed: e.Allowed}
	case e.Code == redline.CodeIdempotencyKeyReused, e.Code == redline.CodeIdempotencyInProgress:
		shown := &model.IdempotencyError{Code: e.Code, Message: e.Message, Field: e.Field}
		if e.RetryAfter > 0 {
			ms := int(e.RetryAfter.Milliseconds())
			shown.RetryAfterMs = &ms
		}
		return shown
	}
	return &model.GenericUserError{Code: e.Code, Message: e.Message, Field: e.Field}
}
