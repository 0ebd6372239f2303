package main

import (
	"fmt"
	"log/slog"

	"redline/telemetry"
)

// logFlags say how the log, on the standard error, looks.
type logFlags struct {
	LogFormat string `default:"text" enum:"text,json" help:"How log lines look: text or json."`
	LogLevel  string `default:"info" enum:"debug,info,warn,error" help:"The least that is logged: debug, info, warn or error."`
}

// logger returns the log, and what writes the rest of it at the end.
func (f *logFlags) logger(io streams) (log *slog.Logger, end func(), err error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.LogLevel)); err != nil {
		return nil, nil, fmt.Errorf("reading --log-level: %w", err)
	}
	lines := gather(io.err)
	o := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewTextHandler(lines, o)
	if f.LogFormat == "json" {
		handler = slog.NewJSONHandler(lines, o)
	}
	return slog.New(telemetry.LogHandler(prompt{handler, lines})), lines.close, nil
}
