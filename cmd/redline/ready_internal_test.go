package main

import (
	"strings"
	"testing"
	"time"
)

// A transaction that is left open on the event log makes no gateway unready for a while:
// the log is read all the same. One that isn't read does, soon.
func TestFollowing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		read, look time.Duration
		words      []string
	}{
		"all is well":                        {time.Millisecond, 200 * time.Millisecond, nil},
		"a writer that is open for a minute": {10 * time.Millisecond, time.Minute, nil},
		"a writer that is open for long":     {10 * time.Millisecond, 6 * time.Minute, []string{"6m0s", "transaction"}},
		"a log that doesn't answer":          {11 * time.Second, 12 * time.Second, []string{"answered 11s ago", "12s"}},
	} {
		err := following(test.read, test.look)
		if (err == nil) != (test.words == nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, word := range test.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q says nothing of %s", name, err, word)
			}
		}
	}
}
