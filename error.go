package redline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrorCode is a stable name for a kind of failure.
type ErrorCode string

// The codes of userErrors: what a caller can act on.
const (
	CodeInvalid               ErrorCode = "INVALID"
	CodeNotFound              ErrorCode = "NOT_FOUND"
	CodeForbidden             ErrorCode = "FORBIDDEN"
	CodeInsufficientStock     ErrorCode = "INSUFFICIENT_STOCK"
	CodeVersionMismatch       ErrorCode = "VERSION_MISMATCH"
	CodeInvalidTransition     ErrorCode = "INVALID_TRANSITION"
	CodeIdempotencyKeyReused  ErrorCode = "IDEMPOTENCY_KEY_REUSED"
	CodeIdempotencyInProgress ErrorCode = "IDEMPOTENCY_IN_PROGRESS"
	CodeUnmappedSKU           ErrorCode = "UNMAPPED_SKU"
	CodePackMismatch          ErrorCode = "PACK_MISMATCH"
	CodeDuplicate             ErrorCode = "DUPLICATE"
	CodeReservationExpired    ErrorCode = "RESERVATION_EXPIRED"
	CodeSequenceStale         ErrorCode = "SEQUENCE_STALE"
)

// The codes of failed requests, which no field of the input can mend.
const (
	// CodeUnauthenticated: a token is needed and there is none.
	CodeUnauthenticated ErrorCode = "UNAUTHENTICATED"
	// CodeOutcomeUnknown: the answer to a COMMIT was lost. Calling again with
	// the same idempotency key finds out, and does nothing twice.
	CodeOutcomeUnknown ErrorCode = "OUTCOME_UNKNOWN"
	// CodeCursorExpired: the log no longer reaches back to the cursor, or is
	// another one. Whoever came with it has to load anew.
	CodeCursorExpired ErrorCode = "CURSOR_EXPIRED"
	// CodeUnavailable: the database can't answer now.
	CodeUnavailable ErrorCode = "UNAVAILABLE"
	// CodeRateLimited: the caller, or its address, has asked for too much lately.
	CodeRateLimited ErrorCode = "RATE_LIMITED"
)

// Error is the one domain error: a code, a sentence for people, the path into
// the input, and the facts that its code promises. Each door has a table of
// its own that turns the code into a status.
type Error struct {
	Code    ErrorCode
	Message string
	// Field is the path into the input, such as lines, 2, quantity.
	Field []string

	// Product, Requested and Available go with INSUFFICIENT_STOCK; quantities
	// are base units.
	Product   *Product
	Requested int
	Available int
	// Expected and Actual go with VERSION_MISMATCH.
	Expected int
	Actual   int
	// From, To and Allowed go with INVALID_TRANSITION.
	From    string
	To      string
	Allowed []string
	// RetryAfter goes with IDEMPOTENCY_IN_PROGRESS, OUTCOME_UNKNOWN, UNAVAILABLE and
	// RATE_LIMITED.
	RetryAfter time.Duration

	cause error
}

func (e *Error) Error() string {
	if len(e.Field) == 0 {
		return fmt.Sprintf("%s: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("%s at %s: %s", e.Code, strings.Join(e.Field, "."), e.Message)
}

// Unwrap gives the cause, which is for the log and never for the caller.
func (e *Error) Unwrap() error { return e.cause }

// Because returns a copy of the error with a cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// At returns a copy of the error whose path begins with the given steps.
func (e *Error) At(path ...string) *Error {
	c := *e
	c.Field = append(append([]string{}, path...), e.Field...)
	return &c
}

// Errorf makes an Error with a code, a path and a formatted sentence.
func Errorf(code ErrorCode, field []string, format string, args ...any) *Error {
	return &Error{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Invalid is an Errorf with CodeInvalid.
func Invalid(field []string, format string, args ...any) *Error {
	return Errorf(CodeInvalid, field, format, args...)
}

// NotFound is an Errorf with CodeNotFound. It is also what is said of things
// that exist and that the caller may not see.
func NotFound(field []string, format string, args ...any) *Error {
	return Errorf(CodeNotFound, field, format, args...)
}

// HasCode reports whether an error is an Error with one of the codes.
func HasCode(err error, anyOf ...ErrorCode) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && slices.Contains(anyOf, e.Code)
}

// Errors is a refusal with several reasons, each with a path of its own.
type Errors []*Error

func (e Errors) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap lets errors.As find each of them.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, one := range e {
		out[i] = one
	}
	return out
}
