package main

import (
	"fmt"
	"log/slog"
)

// logFlags say how the log, on the standard error, looks.
type logFlags struct {
	LogFormat string `default:"text" enum:"text,json" help:"How log lines look: text or json."`
	LogLevel  string `default:"info" enum:"debug,info,warn,error" help:"The least that is logged: debug, info, warn or error."`
}

func (f *logFlags) logger(io streams) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.LogLevel)); err != nil {
		return nil, fmt.Errorf("reading --log-level: %w", err)
	}
	o := &slog.HandlerOptions{Level: level}
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(io.err, o)), nil
	}
	return slog.New(slog.NewTextHandler(io.err, o)), nil
}
