package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Options say what is watched, and where traces go.
type Options struct {
	// Version is the program's.
	Version string
	// Paths are those that are served; /name/ stands for all that is below it. All others
	// are counted as one.
	Paths []string
	// Cost tells how many points an operation costs, 0 where that isn't known. Nil never
	// knows.
	Cost func(*graphql.OperationContext) int64
	// Export sends traces by OTLP over HTTP: to Endpoint, or, where that is "", to what
	// OpenTelemetry's environment variables say. Those of the exporter, of the resource
	// and of the batches are heeded; those of the sampler are not.
	Export   bool
	Endpoint string
	// File gets each span as a line of JSON as soon as it has ended. Nil is none.
	File io.Writer
	// Ratio is the share of traces that are recorded, from 0 to 1.
	Ratio float64
	// TrustParents lets a caller's traceparent say whether its trace is recorded.
	// Otherwise the caller's trace is joined, and Ratio decides.
	TrustParents bool
	// Log is told of traces that can't be sent, at most once a minute.
	Log *slog.Logger
}

// Telemetry is the metrics and the traces of a program. It is safe for concurrent
// use.
type Telemetry struct {
	Metrics *Metrics
	paths   map[string]bool
	cost    func(*graphql.OperationContext) int64
	// provider is nil where nothing is traced.
	provider     *sdktrace.TracerProvider
	exporter     *otlptrace.Exporter // nil where nothing is sent
	tracer       trace.Tracer
	trustParents bool
}

// Start begins to watch. Without Export and File nothing is traced, and tracing costs
// nothing.
func Start(ctx context.Context, o Options) (*Telemetry, error) {
	t := &Telemetry{
		Metrics: New(o.Version), paths: map[string]bool{}, tracer: noop.NewTracerProvider().Tracer(""), trustParents: o.TrustParents,
		cost: o.Cost,
	}
	if t.cost == nil {
		t.cost = func(*graphql.OperationContext) int64 { return 0 }
	}
	for _, path := range o.Paths {
		t.paths[path] = true
	}
	if !o.Export && o.File == nil {
		return t, nil
	}
	described, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "redline"), attribute.String("service.version", o.Version),
	), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("describing the program in traces: %w", err)
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(described), sdktrace.WithSampler(sampler{sdktrace.TraceIDRatioBased(o.Ratio), o.Ratio})}
	if o.Export {
		var to []otlptracehttp.Option
		if o.Endpoint != "" {
			to = append(to, otlptracehttp.WithEndpointURL(o.Endpoint))
		}
		exporter, err := otlptracehttp.New(ctx, to...)
		if err != nil {
			return nil, fmt.Errorf("making the exporter of traces: %w", err)
		}
		t.exporter = exporter
		options = append(options, sdktrace.WithBatcher(exporter))
		otel.SetErrorHandler(&complainer{log: o.Log})
	}
	if o.File != nil {
		options = append(options, sdktrace.WithSyncer(&lines{to: o.File}))
	}
	t.provider = sdktrace.NewTracerProvider(options...)
	t.tracer = t.provider.Tracer("redline")
	return t, nil
}

// Tracer is what rooms make spans with. Where nothing is traced it makes none.
func (t *Telemetry) Tracer() trace.Tracer { return t.tracer }

// Stop sends the spans that have ended, and ends what sends them. What isn't sent when
// the context ends is lost.
func (t *Telemetry) Stop(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	err := t.provider.Shutdown(ctx)
	if err != nil && t.exporter != nil {
		// The provider leaves behind what is being sent.
		err = errors.Join(err, t.exporter.Shutdown(ctx))
	}
	if err != nil {
		return fmt.Errorf("sending the last traces: %w", err)
	}
	return nil
}

// complainEvery is how often the log is told that traces can't be sent.
const complainEvery = time.Minute

// complainer tells the log of faults of OpenTelemetry's own.
type complainer struct {
	log  *slog.Logger
	mu   sync.Mutex
	last time.Time
}

// Handle tells of a fault.
func (c *complainer) Handle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.last) > complainEvery {
		c.last = now
		c.log.Warn("traces can't be sent", "error", err)
	}
}

// strangerKey is in the context of a span whose parent a caller has named.
const strangerKey contextKey = iota + 100

// sampler records what belongs to a trace of ours that is recorded, and else a share
// of all. A trace that a caller has named may have any id: it is left to chance, so
// that nobody can have all of theirs recorded, or none.
type sampler struct {
	roots sdktrace.Sampler
	ratio float64
}

// Description names the sampler.
func (s sampler) Description() string { return fmt.Sprintf("Redline{%g}", s.ratio) }

// ShouldSample decides on a span that begins.
func (s sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	parent := trace.SpanContextFromContext(p.ParentContext)
	if !parent.IsValid() {
		return s.roots.ShouldSample(p)
	}
	recorded := parent.IsSampled()
	if p.ParentContext.Value(strangerKey) != nil {
		recorded = rand.Float64() < s.ratio
	}
	result := sdktrace.SamplingResult{Decision: sdktrace.Drop, Tracestate: parent.TraceState()}
	if recorded {
		result.Decision = sdktrace.RecordAndSample
	}
	return result
}
