package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"redline"
	"redline/auth"
	"redline/live"
	"redline/store"
)

// How often metrics read what they tell of the database, and the checks of readiness
// are tried for them.
const (
	gaugesEvery = 15 * time.Second
	readyEvery  = 5 * time.Second
)

// observe gives the registry the figures that rooms keep themselves.
func (g *gateway) observe(published map[string]*auth.JWKS) {
	g.telemetry.Metrics.Register(liveCollector{g.door.Stats, g.tailer.LastEnd}, poolCollector{g.store.Stats})
	if g.limiter != nil {
		g.telemetry.Metrics.Register(limitCollector{g.limiter.Refused})
	}
	if certificates := g.edge.certificates; certificates != nil {
		g.telemetry.Metrics.Register(certificateCollector{certificates.NotAfter})
	}
	if len(published) > 0 {
		g.telemetry.Metrics.Register(issuerCollector{published})
	}
}

// gauges reads what metrics tell of the database.
func (g *gateway) gauges(ctx context.Context) (int, error) {
	conflicts, err := g.store.ConflictGauges(ctx)
	if err != nil {
		return 0, err
	}
	open := map[string]store.OpenConflicts{}
	for _, c := range conflicts {
		open[c.Kind] = c
	}
	for _, kind := range redline.ConflictKinds {
		c := open[string(kind)]
		g.telemetry.Metrics.Conflicts(string(kind), c.N, c.Oldest)
	}
	suppliers, err := g.store.SupplierGauges(ctx)
	if err != nil {
		return 0, err
	}
	for _, s := range suppliers {
		var seen time.Time
		if s.SeenAt != nil {
			seen = *s.SeenAt
		}
		g.telemetry.Metrics.Supplier(s.Code, seen, s.Stale)
	}
	return 0, nil
}

// watched counts the tokens that are refused, by why.
func (g *gateway) watched(authenticate authenticator) authenticator {
	return func(ctx context.Context, authorization []string) (redline.Principal, error) {
		p, err := authenticate(ctx, authorization)
		if err != nil {
			g.telemetry.Metrics.TokenRefused(auth.Reason(err))
		}
		return p, err
	}
}

// authenticator turns the Authorization headers of a request into a principal.
type authenticator = func(ctx context.Context, authorization []string) (redline.Principal, error)

// poolCollector reads the pools' figures when it is asked for them.
type poolCollector struct{ stats func() store.Stats }

var (
	poolConnections = prometheus.NewDesc("redline_db_connections", "Connections to Postgres.", []string{"pool", "state"}, nil)
	poolMax         = prometheus.NewDesc("redline_db_connections_max", "The most connections that a pool may have.", []string{"pool"}, nil)
	poolWait        = prometheus.NewDesc("redline_db_wait_seconds_total", "How long callers have waited for a connection.", []string{"pool"}, nil)
	poolTurnedAway  = prometheus.NewDesc("redline_db_turned_away_total", "Callers who were told UNAVAILABLE because no connection came free.", []string{"pool"}, nil)
)

// Describe tells the names of all figures.
func (poolCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolConnections, poolMax, poolWait, poolTurnedAway} {
		descs <- d
	}
}

// Collect tells all figures as they are now.
func (c poolCollector) Collect(metrics chan<- prometheus.Metric) {
	s := c.stats()
	for name, p := range map[string]store.PoolStats{"reads": s.Reads, "writes": s.Writes} {
		metrics <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(p.InUse), name, "in_use")
		metrics <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(p.Idle), name, "idle")
		metrics <- prometheus.MustNewConstMetric(poolMax, prometheus.GaugeValue, float64(p.Max), name)
		metrics <- prometheus.MustNewConstMetric(poolWait, prometheus.CounterValue, p.Waited.Seconds(), name)
		metrics <- prometheus.MustNewConstMetric(poolTurnedAway, prometheus.CounterValue, float64(p.TurnedAway), name)
	}
}

// liveCollector reads the live engine's figures when it is asked for them.
type liveCollector struct {
	stats func() live.Stats
	// ended is when the event log was last read to its end.
	ended func() time.Time
}

// liveMetric is one figure of the live engine.
type liveMetric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(live.Stats) float64
}

func gauge(name, help string, of func(live.Stats) float64) liveMetric {
	return liveMetric{prometheus.NewDesc("redline_live_"+name, help, nil, nil), prometheus.GaugeValue, of}
}

func counter(name, help string, of func(live.Stats) float64) liveMetric {
	return liveMetric{prometheus.NewDesc("redline_live_"+name+"_total", help, nil, nil), prometheus.CounterValue, of}
}

var liveMetrics = []liveMetric{
	gauge("websockets", "Open websockets.", func(s live.Stats) float64 { return float64(s.Sockets) }),
	gauge("streams", "Open streams over HTTP.", func(s live.Stats) float64 { return float64(s.Streams) }),
	gauge("subscriptions", "Subscriptions of all connections.", func(s live.Stats) float64 { return float64(s.Subscriptions) }),
	gauge("groups", "Subscriptions that are executed: one for all who may see the same.", func(s live.Stats) float64 { return float64(s.Groups) }),
	gauge("queued_messages", "Messages that wait to be written, in all connections' queues.", func(s live.Stats) float64 { return float64(s.Waiting) }),
	gauge("log_lag_events", "Ids of the event log that were given out and not published, nor known to be unused, at the last look.",
		func(s live.Stats) float64 { return float64(s.LagEvents) }),
	counter("events", "Events published to subscriptions.", func(s live.Stats) float64 { return float64(s.Events) }),
	counter("executions", "Runs of the executor for an event.", func(s live.Stats) float64 { return float64(s.Executions) }),
	counter("messages", "Answers of subscriptions that were queued for their readers.", func(s live.Stats) float64 { return float64(s.Answers) }),
	counter("coalesced", "Answers that a newer one of the same subject stood for.", func(s live.Stats) float64 { return float64(s.Coalesced) }),
	counter("cut_off", "Connections cut off because their reader did not keep up.", func(s live.Stats) float64 { return float64(s.CutOff) }),
	counter("catch_up_reads", "Reads of the event log for those who came back with a cursor.", func(s live.Stats) float64 { return float64(s.CatchUpReads) }),
	counter("turned_away", "Websockets and streams refused because too many were open (--max-sockets, --max-per-address) or came at once (--connect-rate).", func(s live.Stats) float64 { return float64(s.TurnedAway) }),
}

var logLagSeconds = prometheus.NewDesc("redline_live_log_lag_seconds",
	"How long ago the event log was last read to its end: how old what subscribers were told may be.", nil, nil)

// Describe tells the names of all figures.
func (liveCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range liveMetrics {
		descs <- m.desc
	}
	descs <- logLagSeconds
}

// Collect tells all figures as they are now.
func (c liveCollector) Collect(metrics chan<- prometheus.Metric) {
	s := c.stats()
	for _, m := range liveMetrics {
		metrics <- prometheus.MustNewConstMetric(m.desc, m.kind, m.of(s))
	}
	if at := c.ended(); !at.IsZero() {
		metrics <- prometheus.MustNewConstMetric(logLagSeconds, prometheus.GaugeValue, time.Since(at).Seconds())
	}
}

// limitCollector reads the rate limit's figures when it is asked for them.
type limitCollector struct {
	refused func() (byPrincipal, byAddress int64)
}

var rateLimited = prometheus.NewDesc("redline_rate_limited_total",
	"Operations and requests that the rate limit refused, by whose bucket.", []string{"by"}, nil)

// Describe tells the name of the figure.
func (limitCollector) Describe(descs chan<- *prometheus.Desc) { descs <- rateLimited }

// Collect tells it as it is now.
func (c limitCollector) Collect(metrics chan<- prometheus.Metric) {
	byPrincipal, byAddress := c.refused()
	metrics <- prometheus.MustNewConstMetric(rateLimited, prometheus.CounterValue, float64(byPrincipal), redline.BucketPrincipal)
	metrics <- prometheus.MustNewConstMetric(rateLimited, prometheus.CounterValue, float64(byAddress), redline.BucketAddress)
}

// certificateCollector tells when the certificate that is shown ends.
type certificateCollector struct{ notAfter func() time.Time }

var certificateEnds = prometheus.NewDesc("redline_tls_not_after_timestamp_seconds",
	"When the certificate that callers are shown ends. Not there without https.", nil, nil)

// Describe tells the name of the figure.
func (certificateCollector) Describe(descs chan<- *prometheus.Desc) { descs <- certificateEnds }

// Collect tells it as it is now.
func (c certificateCollector) Collect(metrics chan<- prometheus.Metric) {
	metrics <- prometheus.MustNewConstMetric(certificateEnds, prometheus.GaugeValue, float64(c.notAfter().Unix()))
}

// issuerCollector tells how the keys stand that issuers publish, by the issuer's name.
type issuerCollector struct{ published map[string]*auth.JWKS }

var (
	issuerKeys      = prometheus.NewDesc("redline_issuer_keys", "Keys of an issuer that can be used now. 0 where they were never fetched, or for too long, or where it publishes none.", []string{"issuer"}, nil)
	issuerConfirmed = prometheus.NewDesc("redline_issuer_confirmed_timestamp_seconds", "When an issuer last published its keys. Not there before it first did.", []string{"issuer"}, nil)
	issuerFailures  = prometheus.NewDesc("redline_issuer_refresh_failures_total", "Refreshes of an issuer's keys that failed or brought none.", []string{"issuer"}, nil)
)

// Describe tells the names of all figures.
func (issuerCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{issuerKeys, issuerConfirmed, issuerFailures} {
		descs <- d
	}
}

// Collect tells all figures as they are now.
func (c issuerCollector) Collect(metrics chan<- prometheus.Metric) {
	for name, keys := range c.published {
		s := keys.Stats()
		metrics <- prometheus.MustNewConstMetric(issuerKeys, prometheus.GaugeValue, float64(s.Keys), name)
		metrics <- prometheus.MustNewConstMetric(issuerFailures, prometheus.CounterValue, float64(s.Failures), name)
		if !s.Confirmed.IsZero() {
			metrics <- prometheus.MustNewConstMetric(issuerConfirmed, prometheus.GaugeValue, float64(s.Confirmed.Unix()), name)
		}
	}
}
