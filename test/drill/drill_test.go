package main

import (
	"bytes"
	"regexp"
	"runtime"
	"testing"

	"redline/test/internal/measure/measuretest"
)

func TestMain(m *testing.M) { measuretest.Run(m) }

// The whole drill, short, and with patience for whatever else the machine does meanwhile:
// no promise is broken.
func TestDrillShort(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("Postgres' processes are known on Linux alone")
	}
	var out bytes.Buffer
	err := run(t.Context(), []string{"--redline", measuretest.Server(t), "--seconds", "1", "--slow", "4", "--users", "2", "--dashboards", "5"}, nil, &out)
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
	// Of each fault it tells what everybody saw.
	d := &drilling{}
	for _, f := range d.faults() {
		if !regexp.MustCompile(regexp.QuoteMeta(f.title) + `\n(?:  (?:attackers|stopped|closed|unfinished|noticed) .*\n)*  orders .*\n  pages .*\n  /healthz .*\n  /readyz .*\n  dashboards .*\n`).MatchString(out.String()) {
			t.Errorf("nothing is told of %q", f.title)
		}
	}
}
