package telemetry

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// other stands for every value of a label that isn't one of its own.
const other = "other"

// The upper bounds of histograms, in seconds. A statement is faster than the request
// that sends it.
var (
	requestBuckets   = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	statementBuckets = []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
)

// Metrics is the registry of all metrics with its instruments. It is safe for
// concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	requests          *prometheus.CounterVec
	requestSeconds    *prometheus.HistogramVec
	operations        *prometheus.CounterVec
	operationSeconds  *prometheus.HistogramVec
	statementSeconds  *prometheus.HistogramVec
	statementErrors   *prometheus.CounterVec
	replays           *prometheus.CounterVec
	short             *prometheus.CounterVec
	conflicts         *prometheus.GaugeVec
	conflictAge       *prometheus.GaugeVec
	supplierSeen      *prometheus.GaugeVec
	supplierStale     *prometheus.GaugeVec
	tokensRefused     *prometheus.CounterVec
	tokensAsked       *prometheus.CounterVec
	jobRuns           *prometheus.CounterVec
	jobSuccess        *prometheus.GaugeVec
	ready             *prometheus.GaugeVec
	operationOutcomes outcomes
}

// New makes the registry of a program of a version.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "redline_" + name, Help: help}, labels)
		m.registry.MustRegister(v)
		return v
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "redline_" + name, Help: help}, labels)
		m.registry.MustRegister(v)
		return v
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "redline_" + name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(v)
		return v
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge("build_info", "Always 1, with the program's version and that of Go.", "version", "goversion").WithLabelValues(version, runtime.Version()).Set(1)
	m.ready = gauge("ready", "Whether a check of /readyz passed when it was last tried: 1 or 0.", "check")

	m.requests = counter("http_requests_total", "Requests that were answered; a websocket or stream when it ends. Status 0 is a connection that was cut.", "path", "method", "status")
	m.requestSeconds = histogram("http_request_duration_seconds", "How long requests took to be answered, without websockets and streams.", requestBuckets, "path")
	m.operations = counter("operations_total", "GraphQL operations by any transport; subscriptions when they begin.", "type", "operation", "outcome")
	m.operationSeconds = histogram("operation_duration_seconds", "How long queries and mutations took, and subscriptions to begin.", requestBuckets, "type", "operation")
	m.operationOutcomes = outcomes{of: map[operationLabels]*operationSeries{}}

	m.statementSeconds = histogram("sql_duration_seconds", "How long statements took until Postgres began to answer.", statementBuckets, "statement")
	m.statementErrors = counter("sql_errors_total", "Statements that failed, by the class of the SQLSTATE, or connection, timeout or canceled.", "statement", "class")

	m.replays = counter("idempotent_replays_total", "Changes whose idempotency key was used before, and that were answered from it.", "operation")
	m.short = counter("insufficient_stock_total", "Changes refused for want of stock.", "operation")
	m.conflicts = gauge("conflicts_open", "Conflicts that are open. The same in each gateway.", "kind")
	m.conflictAge = gauge("conflicts_oldest_age_seconds", "How old the oldest open conflict is. The same in each gateway.", "kind")
	m.supplierSeen = gauge("supplier_last_seen_timestamp_seconds", "When a supplier was last heard of. The same in each gateway.", "supplier")
	m.supplierStale = gauge("supplier_stale_levels", "Levels of a supplier that it has not confirmed in time. The same in each gateway.", "supplier")

	m.tokensRefused = counter("tokens_refused_total", "Tokens that were refused.", "reason")
	m.tokensAsked = counter("oauth_token_requests_total", "Requests of OAuth clients for a token, by what came of them: issued, or the error that they were told.", "outcome")
	// Prometheus has a label "job" of its own.
	m.jobRuns = counter("job_runs_total", "Runs of what is done beside the requests.", "task", "outcome")
	m.jobSuccess = gauge("job_last_success_timestamp_seconds", "When a job last ended well.", "task")
	return m
}

// Register adds collectors of other rooms' figures, which are to be told apart by
// their names from all others.
func (m *Metrics) Register(collectors ...prometheus.Collector) {
	m.registry.MustRegister(collectors...)
}

// Handler answers with all metrics in the format of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// TokenRefused counts a token that was refused, by one of a few reasons.
func (m *Metrics) TokenRefused(reason string) { m.tokensRefused.WithLabelValues(reason).Inc() }

// TokenAsked counts a request of an OAuth client for a token, by one of a few outcomes.
func (m *Metrics) TokenAsked(outcome string) { m.tokensAsked.WithLabelValues(outcome).Inc() }

// Ready notes whether a check of readiness passed.
func (m *Metrics) Ready(check string, passed bool) {
	v := 0.
	if passed {
		v = 1
	}
	m.ready.WithLabelValues(check).Set(v)
}

// JobRan counts a run of a job, and notes when it last ended well.
func (m *Metrics) JobRan(job string, err error) {
	outcome := "ok"
	if err != nil {
		outcome = "error"
	} else {
		m.jobSuccess.WithLabelValues(job).Set(float64(time.Now().UnixMilli()) / 1000)
	}
	m.jobRuns.WithLabelValues(job, outcome).Inc()
}

// Conflicts tells how many conflicts of a kind are open, and how old the oldest is,
// in seconds.
func (m *Metrics) Conflicts(kind string, open int, oldest float64) {
	m.conflicts.WithLabelValues(kind).Set(float64(open))
	m.conflictAge.WithLabelValues(kind).Set(oldest)
}

// Supplier tells when a supplier was last heard of, zero for never, and how many of
// its levels are stale.
func (m *Metrics) Supplier(code string, seen time.Time, stale int) {
	if !seen.IsZero() {
		m.supplierSeen.WithLabelValues(code).Set(float64(seen.UnixMilli()) / 1000)
	}
	m.supplierStale.WithLabelValues(code).Set(float64(stale))
}

// Describe tells the names, labels and meanings of all metrics.
func (m *Metrics) Describe(descs chan<- *prometheus.Desc) { m.registry.Describe(descs) }
