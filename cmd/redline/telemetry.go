package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"time"

	"redline/oauth"
	"redline/server"
	"redline/telemetry"
	"redline/web"
)

// telemetryFlags say where metrics and traces go.
type telemetryFlags struct {
	MetricsAddr   string  `placeholder:"HOST:PORT" help:"Where to serve /metrics, on a private network, say, and nowhere else. Left out, it is served beside everything else, to whoever asks."`
	TraceEndpoint string  `placeholder:"URL" help:"Send traces there by OTLP over HTTP, as http://host:4318. OpenTelemetry's own variables, such as OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_RESOURCE_ATTRIBUTES, are heeded too."`
	TraceFile     string  `type:"path" placeholder:"FILE" help:"For development: append each span to a file, as a line of JSON."`
	TraceRatio    float64 `default:"1" help:"The share of traces that are recorded, from 0 to 1."`
	TraceTrust    bool    `help:"Let a caller's traceparent say whether its trace is recorded. Otherwise its trace is joined, and --trace-ratio decides."`
}

// checkTelemetry returns all that is wrong with the flags.
func (f *telemetryFlags) checkTelemetry() error {
	var faults []error
	if f.MetricsAddr != "" {
		faults = append(faults, checkAddress("--metrics-addr", f.MetricsAddr))
	}
	if !(f.TraceRatio >= 0 && f.TraceRatio <= 1) {
		faults = append(faults, fmt.Errorf("--trace-ratio is %g; it has to be from 0 to 1", f.TraceRatio))
	}
	if f.TraceEndpoint != "" {
		// The URL may hold a password.
		if u, err := url.Parse(f.TraceEndpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			faults = append(faults, errors.New("--trace-endpoint has to be of the form http://host:port or https://host:port"))
		}
	}
	return errors.Join(faults...)
}

// traceStop is how long sending the last traces may take.
const traceStop = 5 * time.Second

// telemetry begins to watch; stop ends it.
func (f *telemetryFlags) telemetry(ctx context.Context, log *slog.Logger) (t *telemetry.Telemetry, stop func() error, err error) {
	o := telemetry.Options{
		Version: version(), Paths: append(web.Paths(), server.PathGraphQL, server.PathTicket, server.PathMetrics, server.PathHealth, server.PathReady,
			oauth.PathToken, oauth.PathKeys, oauth.PathMetadata),
		Endpoint: f.TraceEndpoint, Export: f.TraceEndpoint != "" || exportsByEnvironment(), Ratio: f.TraceRatio, TrustParents: f.TraceTrust, Log: log,
		Cost: server.Cost,
	}
	closeFile := func() error { return nil }
	if f.TraceFile != "" {
		file, err := os.OpenFile(f.TraceFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, nil, fmt.Errorf("opening --trace-file: %w", err)
		}
		o.File, closeFile = file, file.Close
	}
	if t, err = telemetry.Start(ctx, o); err != nil {
		return nil, nil, errors.Join(err, closeFile())
	}
	return t, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), traceStop)
		defer cancel()
		if err := t.Stop(ctx); err != nil {
			log.Warn("the last traces are lost", "error", err) // which is no failure of the gateway's
		}
		return closeFile()
	}, nil
}

// exportsByEnvironment reports whether OpenTelemetry's own variables ask for traces.
func exportsByEnvironment() bool {
	if os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// version is the program's, as its build says.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}

// serveMetrics serves metrics at an address of their own until stop is called. Without
// one it does nothing.
func (f *telemetryFlags) serveMetrics(ctx context.Context, log *slog.Logger, metrics http.Handler) (stop func() error, err error) {
	if f.MetricsAddr == "" {
		return func() error { return nil }, nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+server.PathMetrics, metrics)
	separate := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	return serveBeside(ctx, log, "metrics", f.MetricsAddr, separate)
}
