package traffic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"redline"
)

// Who asks, but for suppliers.
var (
	shop     = Actor{Role: redline.RoleStorefront}
	operator = Actor{Role: redline.RoleOperator}
)

// by is who moves what lies at a location: its supplier, or an operator where it
// is our own.
func by(supplier string) Actor {
	if supplier == "" {
		return operator
	}
	return Actor{Role: redline.RoleSupplier, Supplier: supplier}
}

// refusedError is a user error: the gateway understood, and said no.
type refusedError struct {
	code    redline.ErrorCode
	message string
}

func (e *refusedError) Error() string { return fmt.Sprintf("%s: %s", e.code, e.message) }

func isRefused(err error) bool {
	_, refused := errors.AsType[*refusedError](err)
	return refused
}

// mutation is one of the contract's, with the type of its input and what is asked
// of its payload.
type mutation struct{ field, input, selection string }

// document is the mutation as GraphQL.
func (m mutation) document() string {
	return fmt.Sprintf(`mutation %s($input: %s!) { %s(input: $input) { %s userErrors { code message ... on IdempotencyError { retryAfterMs } } } }`,
		strings.ToUpper(m.field[:1])+m.field[1:], m.input, m.field, m.selection)
}

// change runs a mutation with a key of its own, and reads its payload. The first of
// its user errors is a *refusedError.
func (s *simulation) change(ctx context.Context, as Actor, m mutation, input map[string]any, into any) error {
	input["idempotencyKey"] = s.key()
	for {
		var answer map[string]json.RawMessage
		if err := s.Gateway.Ask(ctx, as, m.document(), map[string]any{"input": input}, &answer); err != nil {
			return err
		}
		var payload struct {
			UserErrors []struct {
				Code         redline.ErrorCode
				Message      string
				RetryAfterMs int
			}
		}
		if err := json.Unmarshal(answer[m.field], &payload); err != nil {
			return fmt.Errorf("reading the answer to %s: %w", m.field, err)
		}
		if len(payload.UserErrors) == 0 {
			if into == nil {
				return nil
			}
			if err := json.Unmarshal(answer[m.field], into); err != nil {
				return fmt.Errorf("reading the answer to %s: %w", m.field, err)
			}
			return nil
		}
		first := payload.UserErrors[0]
		if first.Code != redline.CodeIdempotencyInProgress {
			return &refusedError{first.Code, first.Message}
		}
		// An earlier try, whose answer was lost, is still at it.
		if err := sleep(ctx, max(time.Duration(first.RetryAfterMs)*time.Millisecond, 100*time.Millisecond)); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// page is a connection's pageInfo.
type page struct {
	HasNextPage bool
	EndCursor   *string
}

// errMissing is an answer without what was asked for.
var errMissing = errors.New("the gateway's answer says nothing of it")
