package telemetry

import (
	"context"
	"time"
)

// Statement returns what observes the runs of the statement of a name. Told of a run,
// it counts and times it, and makes it a span where the context has one that is
// recorded. That costs no allocation where none is.
func (t *Telemetry) Statement(name string) func(ctx context.Context, began time.Time, class string) {
	seconds := t.Metrics.statementSeconds.WithLabelValues(name)
	return func(ctx context.Context, began time.Time, class string) {
		ended := time.Now()
		seconds.Observe(ended.Sub(began).Seconds())
		if class != "" {
			t.Metrics.statementErrors.WithLabelValues(name, class).Inc()
		}
		t.statementSpan(ctx, name, class, began, ended)
	}
}

// BrokenOff counts a statement that ran, and whose rows broke off with an error of a
// class.
func (t *Telemetry) BrokenOff(name, class string) {
	t.Metrics.statementErrors.WithLabelValues(name, class).Inc()
}

// Replayed counts a change that was answered from its idempotency key.
func (t *Telemetry) Replayed(operation string) { t.Metrics.replays.WithLabelValues(operation).Inc() }

// Short counts a change that was refused for want of stock.
func (t *Telemetry) Short(operation string) { t.Metrics.short.WithLabelValues(operation).Inc() }
