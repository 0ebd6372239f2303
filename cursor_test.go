package redline_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"redline"
)

// cursorMax is how long the live engine lets a cursor be: a close reason holds
// one.
const cursorMax = 40

func TestCursorRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := redline.Cursor{
			Epoch:      rapid.Uint32().Draw(t, "epoch"),
			ID:         rapid.OneOf(rapid.Int64Range(0, math.MaxInt64), rapid.SampledFrom([]int64{0, 1, math.MaxInt64})).Draw(t, "id"),
			InSnapshot: rapid.Bool().Draw(t, "in a snapshot"),
		}
		s := c.String()
		if len(s) > cursorMax {
			t.Fatalf("%q has %d bytes", s, len(s))
		}
		got, err := redline.ParseCursor(s)
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, got, c, "read back")
	})
}

// FuzzParseCursor: what is taken is what would be written, so that one position
// has one text; all else is INVALID, and isn't echoed.
func FuzzParseCursor(f *testing.F) {
	good := redline.Cursor{Epoch: 7, ID: 42}.String()
	for _, s := range []string{
		"", good, good + "=", good + "\n", "\r\n" + good, good[:8] + "\n" + good[8:], good[:15], good + "A", good[:12], strings.Repeat("_", 16),
		strings.Repeat("-", 16), strings.Repeat("+", 16), "AAAAAIAAAAAAAAAA", strings.Repeat("A", 1000),
		redline.Cursor{Epoch: math.MaxUint32, ID: math.MaxInt64}.String(), redline.Cursor{ID: 1, InSnapshot: true}.String(),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := redline.ParseCursor(s)
		if err != nil {
			e := domainError(t, err)
			mustEqual(t, e.Code, redline.CodeInvalid, "the code")
			if len(s) > 10 && strings.Contains(e.Message, s) {
				t.Fatalf("the message echoes the input: %s", e.Message)
			}
			mustEqual(t, c, redline.Cursor{}, "what comes with the error")
			return
		}
		mustEqual(t, c.String(), s, "written again")
		if c.ID < 0 {
			t.Fatalf("%q is before the first event", s)
		}
	})
}
