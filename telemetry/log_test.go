package telemetry_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"redline"
	"redline/telemetry"
)

// What the context says is added at a record's end, and nothing else is changed.
func TestLogHandler(t *testing.T) {
	t.Parallel()
	span := func(flags trace.TraceFlags) context.Context {
		return trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: flags,
		}))
	}
	const traced = `,"traceId":"01000000000000000000000000000000","spanId":"0200000000000000"`
	for what, one := range map[string]struct {
		ctx   context.Context
		added string
	}{
		"nothing":              {t.Context(), ""},
		"a request":            {redline.WithRequestID(t.Context(), "R1"), `,"requestId":"R1"`},
		"a trace":              {span(trace.FlagsSampled), traced},
		"one not recorded":     {span(0), ""},
		"a request of a trace": {redline.WithRequestID(span(trace.FlagsSampled), "R1"), `,"requestId":"R1"` + traced},
	} {
		written := func(wrap func(slog.Handler) slog.Handler, change func(slog.Handler) slog.Handler) string {
			var b bytes.Buffer
			h := change(wrap(slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: slog.LevelInfo})))
			for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo} {
				if h.Enabled(one.ctx, level) {
					r := slog.NewRecord(time.Unix(1, 0).UTC(), level, "said", 0)
					r.AddAttrs(slog.String("of", "itself"), slog.Group("group", slog.Int("n", 1)))
					if err := h.Handle(one.ctx, r); err != nil {
						t.Fatal(err)
					}
				}
			}
			return b.String()
		}
		bare := func(h slog.Handler) slog.Handler { return h }
		for how, change := range map[string]func(slog.Handler) slog.Handler{
			"as it is":        bare,
			"with attributes": func(h slog.Handler) slog.Handler { return h.WithAttrs([]slog.Attr{slog.String("always", "there")}) },
			"in a group":      func(h slog.Handler) slog.Handler { return h.WithGroup("in").WithAttrs([]slog.Attr{slog.Int("m", 2)}) },
		} {
			plain := written(bare, change)
			end := "}\n"
			if how == "in a group" {
				end = "}}\n"
			}
			want := strings.TrimSuffix(plain, end) + one.added + end
			if got := written(telemetry.LogHandler, change); got != want {
				t.Errorf("%s, %s: %s, want %s", what, how, got, want)
			}
		}
	}
}
