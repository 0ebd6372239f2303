package store

import (
	"sort"
	"strings"

	"redline"
)

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
