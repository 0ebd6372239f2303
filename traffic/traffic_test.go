package traffic_test

import (
	"context"
	"testing"
	"time"

	"redline/traffic"
)

// unasked is a gateway that nobody is to ask.
type unasked struct{ *testing.T }

func (u unasked) Ask(context.Context, traffic.Actor, string, map[string]any, any) error {
	u.Error("the gateway was asked")
	return nil
}

// What makes no sense is refused before anything is done.
func TestOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	report := func(traffic.Summary) {}
	for name, o := range map[string]traffic.Options{
		"no rate":                     {},
		"a rate below none":           {Rate: -1},
		"too high a rate":             {Rate: traffic.MaxRate + 1},
		"fewer actions than none":     {Rate: 1, Actions: -1},
		"reports all the time":        {Rate: 1, Actions: 1, Report: report},
		"reports before they are due": {Rate: 1, Actions: 1, Report: report, ReportEvery: -time.Second},
	} {
		o.Gateway = unasked{t}
		if _, err := traffic.Run(t.Context(), o); err == nil {
			t.Errorf("%s: it ran", name)
		}
	}
}
