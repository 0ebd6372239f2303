package measure

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Median is the middle of some values; 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// WriteTable puts a table between the two comments of a file that it stands
// between.
func WriteTable(path, begin, end, table string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return fmt.Errorf("writing the table: %s doesn't have the comments %q and %q", path, begin, end)
	}
	if err := os.WriteFile(path, []byte(before+begin+"\n\n"+table+"\n"+end+after), 0o644); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}
