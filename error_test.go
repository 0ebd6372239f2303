package redline_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"redline"
)

// TestErrorCopies: At and Because leave the error that they are called on as it
// was, which may be shared.
func TestErrorCopies(t *testing.T) {
	t.Parallel()
	base := redline.Invalid([]string{"quantity"}, "quantity is from 1 to %d", redline.MaxQuantity)
	at := base.At("lines", "2").Because(io.ErrUnexpectedEOF)
	mustEqual(t, at.Field, []string{"lines", "2", "quantity"}, "the path")
	mustEqual(t, at.Error(), "INVALID at lines.2.quantity: quantity is from 1 to 1000000000", "the text, which keeps the cause to itself")
	mustEqual(t, errors.Is(at, io.ErrUnexpectedEOF), true, "whether the cause is found")
	mustEqual(t, base.Field, []string{"quantity"}, "the path of the original")
	mustEqual(t, errors.Unwrap(base), error(nil), "the cause of the original")
	mustEqual(t, redline.NotFound(nil, "no such order").Error(), "NOT_FOUND: no such order", "the text without a path")
}

func TestErrorsAreAllFound(t *testing.T) {
	t.Parallel()
	all := redline.Errors{redline.Invalid([]string{"a"}, "one"), redline.ErrShort.At("b")}
	mustEqual(t, all.Error(), "INVALID at a: one; "+redline.ErrShort.At("b").Error(), "the text")
	err := fmt.Errorf("placing: %w", all)
	mustEqual(t, domainError(t, err), all[0], "the first of them")
	mustEqual(t, errors.Is(err, all[1]), true, "whether the second is found")
}
