package main

import (
	"strings"
	"testing"

	"redline/supplier"
)

// A dry run's conflict has no id that could be looked up.
func TestDryRunNamesNoConflict(t *testing.T) {
	t.Parallel()
	for dry, want := range map[bool]string{true: "conflict OVERSOLD: too few", false: "conflict OVERSOLD c-1: too few"} {
		var out strings.Builder
		c := &feedCmd{DryRun: dry}
		c.report(streams{&out, &out}, &statement{Feed: &supplier.Feed{}}, totals{feedPayload: feedPayload{Conflicts: []conflict{{ID: "c-1", Kind: "OVERSOLD", Summary: "too few"}}}}, 1)
		if !strings.Contains(out.String(), want) {
			t.Errorf("dry run %t: %q", dry, out.String())
		}
	}
}
