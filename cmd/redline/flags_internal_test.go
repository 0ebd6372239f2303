package main

import (
	"strings"
	"testing"
	"time"
)

// Each fault of the times of stopping is told once, of the flag that has it.
func TestStopFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flags stopFlags
		words []string
	}{
		"nothing wrong":   {stopFlags{DrainBudget: 10 * time.Second}, nil},
		"a long delay":    {stopFlags{DrainDelay: 10 * time.Second, DrainBudget: 10 * time.Second}, []string{"--drain-delay (10s) has"}},
		"a long spread":   {stopFlags{DrainSpread: 10 * time.Second, DrainBudget: 10 * time.Second}, []string{"--drain-spread (10s) and"}},
		"negative spread": {stopFlags{DrainSpread: -1, DrainDelay: time.Minute, DrainBudget: 10 * time.Second}, []string{"--drain-delay (1m0s) has", "--drain-spread (-1ns) and"}},
	} {
		var lines []string
		if err := test.flags.check(); err != nil {
			lines = strings.Split(err.Error(), "\n")
		}
		if len(lines) != len(test.words) {
			t.Errorf("%s: %q", name, lines)
			continue
		}
		for i, word := range test.words {
			if !strings.HasPrefix(lines[i], word) {
				t.Errorf("%s: %q doesn't begin with %q", name, lines[i], word)
			}
		}
	}
}

// A key's file that is there is named, and nothing of how keys are made.
func TestSigningKeyIsLeftAlone(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/key.pem"
	var out strings.Builder
	if err := (&signingKeyCmd{file}).Run(streams{&out, &out}); err != nil {
		t.Fatal(err)
	}
	if err := (&signingKeyCmd{file}).Run(streams{&out, &out}); err == nil || err.Error() != file+" exists already: remove it first" {
		t.Errorf("the second time: %v", err)
	}
}
