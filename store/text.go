package store

import (
	"sort"
	"strconv"
	"strings"
	"time"

	"redline"
)

// textMax is the longest free text, such as a note, in bytes.
const textMax = 500

// checkText refuses a free text that is too long.
func checkText(name string, text *string) error {
	if text != nil && len(*text) > textMax {
		return redline.Invalid([]string{name}, "a text here is at most %d bytes long", textMax)
	}
	return nil
}

// checkTexts refuses names that are empty or too long; the keys are paths with
// dots. The errors come in the order of the paths.
func checkTexts(texts map[string]*string) redline.Errors {
	var refused redline.Errors
	for path, text := range texts {
		if text != nil && (strings.TrimSpace(*text) == "" || len(*text) > nameMax) {
			refused = append(refused, redline.Invalid(strings.Split(path, "."), "a text here is 1 to %d bytes long", nameMax))
		}
	}
	sort.Slice(refused, func(i, j int) bool {
		return strings.Join(refused[i].Field, ".") < strings.Join(refused[j].Field, ".")
	})
	return refused
}

// indexPath is the path to one element of a list of the input.
func indexPath(list string, i int) []string {
	if list == "" {
		return nil
	}
	return []string{list, strconv.Itoa(i)}
}

func versionMismatch(field []string, expected, actual int) *redline.Error {
	e := redline.Errorf(redline.CodeVersionMismatch, field, "the version is %d, not %d: it has changed since", actual, expected)
	e.Expected, e.Actual = expected, actual
	return e
}

func abs(n int) int { return max(n, -n) }

// stored is a caller's time as Postgres keeps it, which is to the microsecond: what
// is told of a change at once is what is read later.
func stored(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	kept := at.Truncate(time.Microsecond)
	return &kept
}
