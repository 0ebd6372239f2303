package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/alecthomas/kong"

	"redline"
	"redline/auth"
	"redline/graph"
	"redline/limit"
	"redline/live"
	"redline/migrations"
	"redline/server"
	"redline/store"
	"redline/telemetry"
)

type serveCmd struct {
	modeFlags      `embed:"" group:"Mode"`
	listenFlags    `embed:"" group:"Listening"`
	edgeFlags      `embed:"" group:"Listening"`
	databaseFlags  `embed:"" group:"Database"`
	poolFlags      `embed:"" group:"Database"`
	startFlags     `embed:"" group:"Database"`
	keyFlags       `embed:"" group:"Tokens"`
	signingFlags   `embed:"" group:"Tokens"`
	graphqlFlags   `embed:"" group:"GraphQL"`
	dashboardFlags `embed:"" group:"Pages"`
	limitFlags     `embed:"" group:"Limits"`
	liveFlags      `embed:"" group:"Websockets and streams"`
	stopFlags      `embed:"" group:"Stopping"`
	logFlags       `embed:"" group:"Logs and diagnostics"`
	pprofFlags     `embed:"" group:"Logs and diagnostics"`
	telemetryFlags `embed:"" group:"Logs and diagnostics"`
}

// gateway is all the rooms, wired. Its parts stop in the reverse order.
type gateway struct {
	telemetry *telemetry.Telemetry
	store     *store.Store
	log       *slog.Logger
	eventLog  *store.EventLog
	broker    *live.Broker
	tailer    *live.Tailer
	graph     *graph.Graph
	// limiter is nil where there is no rate limit.
	limiter   *limit.Limiter
	door      *live.Door
	websocket *live.WebSocket
	server    *server.Server
	edge      edge
	// users are those of the demo; nobody without --demo.
	users demoRoster
	// keepEvents is how long the event log is kept.
	keepEvents time.Duration
}

// Run serves until ctx ends, and then stops in order: no new requests, the
// sockets, what was begun, the readers of the log, and Postgres last. It stops
// as well, with an error, when the private Postgres ends by itself.
func (c *serveCmd) Run(ctx context.Context, io streams, k *kong.Kong) (err error) {
	defer runtime.KeepAlive(ballast())
	strangers := strangeVariables(k)
	log, endLog, err := c.logger(io)
	if err != nil {
		return errors.Join(err, faults(strangers))
	}
	defer endLog()
	if err := c.check(); err != nil {
		return errors.Join(err, faults(strangers))
	}
	warnOf(ctx, strangers, log)
	// Before anything slow: a taken port is said at once.
	if err := freeAddress(ctx, c.Addr); err != nil {
		return err
	}
	stopProfiling, err := c.servePprof(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopProfiling()) }()

	watch, stopTelemetry, err := c.telemetry(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopTelemetry()) }()
	stopMetrics, err := c.serveMetrics(ctx, log, watch.Metrics.Handler())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopMetrics()) }()

	db, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.stop(ctx)) }()
	signing, err := c.signingKeys()
	if err != nil {
		return err
	}
	keys, err := c.keys(c.DataDir, c.DatabaseURL != "" && !c.Dev, signing, log)
	if err != nil {
		return err
	}
	defer keys.close()

	g := &gateway{telemetry: watch, log: log, keepEvents: c.KeepEvents}
	if g.edge, err = c.read(log); err != nil {
		return err
	}
	if c.Demo {
		if g.users, err = demoUsers(); err != nil {
			return err
		}
	}
	g.store, err = c.openStore(ctx, db.url, store.Options{
		MaxConns: c.MaxConns, ReadPatience: c.ConnectionWait, Unprepared: c.Unprepared, Committed: func() { g.tailer.Wake() }, Revoked: func() { g.door.Revoke() }, Observer: watch, Tracer: watch.Tracer(), Log: log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.store.Close()) }()
	applied, err := migrations.Up(ctx, g.store.DB().DB)
	if err != nil {
		return err
	}
	if len(applied) > 0 {
		log.Info("migrated", "applied", applied)
	}
	if err := c.warnOfRights(ctx, g); err != nil {
		return err
	}
	if g.limiter, err = c.limiter(log); err != nil {
		return err
	}
	if g.limiter != nil {
		defer func() { err = errors.Join(err, g.limiter.Close()) }()
	}
	// Whoever is revoked stays so from the first request on, whatever becomes of the log.
	if err := g.store.RefreshRevoked(ctx); err != nil {
		return err
	}
	keys.revoked = g.store.Revoked
	if err := g.wire(c, keys); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.eventLog.Close()) }()
	if c.Demo {
		if err := g.loadDemo(ctx); err != nil {
			return err
		}
	}
	stopJobs := g.start(ctx)
	defer stopJobs()
	// Nobody is let in before the place in the log is known, if that can be had soon:
	// it is where everybody begins.
	select {
	case <-g.tailer.Ready():
	case <-time.After(readLag):
	case <-ctx.Done():
	}

	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", c.Addr, err)
	}
	defer func() { _ = listener.Close() }() // the server has closed it, unless it never ran
	url := g.edge.url(listener.Addr())
	log.Info("listening", "addr", listener.Addr().String(), "graphql", url+"/graphql")
	if c.Demo {
		c.warnOfDemo(listener.Addr(), keys, log)
		if err := c.printDemo(io, url, g.users, keys); err != nil {
			return err
		}
	}
	// Without its private Postgres the gateway would only say that it can't be
	// reached. It stops, in order, for a supervisor to start both anew.
	serving, release := db.whileUp(ctx)
	defer release()
	if c.DemoTraffic > 0 {
		var stopTraffic func()
		if serving, stopTraffic, err = g.demoTraffic(serving, url, c.DemoTraffic, keys.signing[0]); err != nil {
			return err
		}
		defer stopTraffic()
	}
	err = g.server.Serve(serving, g.edge.listener(listener))
	return errors.Join(db.lost(), err)
}

// warnOfRights says where the database itself wouldn't keep the gateway from changing
// what it has written down. The private Postgres is the gateway's own.
func (c *serveCmd) warnOfRights(ctx context.Context, g *gateway) error {
	if c.DatabaseURL == "" {
		return nil
	}
	why, err := migrations.Unrestrained(ctx, g.store.DB().DB)
	if why != "" {
		g.log.Warn("ledger and audit are append-only by this role's restraint alone; `redline migrate grant` gives another what it needs", "because", why)
	}
	return err
}

// check refuses flags that don't go together, all of them at once.
func (c *serveCmd) check() error {
	return errors.Join(c.modeFlags.check(), c.listenFlags.check(), c.edgeFlags.check(), c.databaseFlags.check(), c.poolFlags.check(), c.startFlags.check(), c.keyFlags.check(), c.signingFlags.check(), c.checkLimits(), c.liveFlags.check(), c.stopFlags.check(), c.checkKeys(), c.checkPprof(), c.checkTelemetry(), c.checkTraffic())
}

// checkKeys refuses to take, beside a database of one's own, the tokens of a key that
// only this machine has.
func (c *serveCmd) checkKeys() error {
	if c.single() && len(c.SigningKey) > 0 && c.JWTIssuer == auth.DefaultIssuer {
		return fmt.Errorf("with --signing-key the gateway issues tokens in the name %q: name your own issuer by --jwt-issuer", auth.DefaultIssuer)
	}
	if c.DatabaseURL == "" || c.Dev || c.configured() || len(c.SigningKey) > 0 {
		return nil
	}
	return errors.New("with a database of your own the gateway needs the keys of your tokens' issuer: " +
		"set --jwt-jwks-url (REDLINE_JWT_JWKS_URL) to where it publishes them, --jwt-public-keys (REDLINE_JWT_PUBLIC_KEYS) to a PEM file, " +
		"--jwt-secret-file (REDLINE_JWT_SECRET_FILE) to a file with a secret, or --jwt-issuers (REDLINE_JWT_ISSUERS) to a file that lists several; " +
		"or --signing-key (REDLINE_SIGNING_KEY), to issue tokens to OAuth clients; " +
		"or, for development alone, --dev (REDLINE_DEV=true), which takes the tokens of `redline token`")
}

// wire makes the rooms and joins them.
func (g *gateway) wire(c *serveCmd, keys *keyring) (err error) {
	g.eventLog = g.store.EventLog()
	if g.broker, err = live.NewBroker(live.BrokerOptions{History: g.store, MaxGroups: c.MaxGroups, Tracer: g.telemetry.Tracer(), Logger: g.log}); err != nil {
		return err
	}
	if g.tailer, err = live.NewTailer(g.eventLog, g.broker, live.TailerOptions{Kept: g.kept(), Logger: g.log}); err != nil {
		return err
	}
	g.graph = graph.New(graph.Options{Store: g.store, Live: g.broker, Load: g.load(), Refused: g.telemetry.Refused, Log: g.log})
	var rate server.RateLimiter // nil, and not a nil *limit.Limiter, where there is none
	if g.limiter != nil {
		rate = g.limiter
	}
	exec, err := c.executor(g.executor, c.Introspection || c.Demo || c.Dev, rate)
	if err != nil {
		return err
	}
	authenticate := g.watched(keys.authenticate)
	g.door, err = live.NewDoor(g.broker, live.DoorOptions{
		Limits: live.Limits{QueueMessages: c.QueueMessages, QueueBytes: c.QueueBytes}, MaxConnections: c.MaxSockets, MaxPerAddress: c.MaxPerAddress, ConnectRate: c.ConnectRate, DrainSpread: c.spread(), Revoked: g.store.Revoked, Logger: g.log,
	})
	if err != nil {
		return err
	}
	g.websocket, err = live.NewWebSocket(g.door, c.socket(live.WebSocketOptions{
		Authenticate: counted(rate, func(ctx context.Context, authorization string, present bool) (redline.Principal, error) {
			if !present {
				return redline.PrincipalFrom(ctx), nil
			}
			return authenticate(ctx, []string{authorization})
		}),
	}))
	if err != nil {
		return err
	}
	overHTTP, err := live.NewStreams(g.door, live.StreamOptions{})
	if err != nil {
		return err
	}
	g.observe(keys.published)
	metrics := g.telemetry.Metrics.Handler()
	if c.MetricsAddr != "" {
		metrics = nil
	}
	site, err := c.site(g.users, keys, g.log)
	if err != nil {
		return err
	}
	endpoints, err := c.endpoints(g.store, keys, g.telemetry.Metrics.TokenAsked, g.log)
	if err != nil {
		return err
	}
	public := maps.Clone(site.Public())
	maps.Copy(public, endpoints)
	g.server, err = server.New(server.Options{
		Executor: exec, Static: site.Static(), Public: public, Private: site.Private(), WebSocket: g.websocket, Streams: overHTTP, Tickets: g.store, RateLimiter: rate, Metrics: metrics, Observer: g.telemetry,
		Certificates: g.edge.certificates, Proxies: g.edge.proxies, Origins: g.edge.origins, HSTS: c.HSTS, MaxConnections: c.maxConnections(c.MaxSockets), MaxConnectionsPerAddress: c.maxConnectionsPerAddress(c.MaxPerAddress),
		Authenticate: authenticate, Log: g.log, DrainDelay: c.DrainDelay, DrainBudget: c.DrainBudget,
		Ready: g.checks(keys),
		Drain: func(ctx context.Context) {
			if err := g.door.Shutdown(ctx); err != nil {
				g.log.Error("closing the websockets and streams", "error", err)
			}
		},
	})
	return err
}

// kept is what the gateway keeps in memory of the database.
func (g *gateway) kept() []live.Kept {
	return []live.Kept{
		{Event: redline.EventClients, Refresh: g.refreshRevoked}, // first, in the time that all of them have
		{Event: redline.EventPlaces, Refresh: g.store.RefreshPlaces},
	}
}

// refreshRevoked reads anew which clients are revoked, and ends their sockets and streams.
func (g *gateway) refreshRevoked(ctx context.Context) error {
	if err := g.store.RefreshRevoked(ctx); err != nil {
		return err
	}
	g.door.Revoke()
	return nil
}

// executor makes an executor whose operations are watched.
func (g *gateway) executor() *executor.Executor {
	exec := g.graph.Executor()
	exec.Use(g.telemetry.Operations())
	return exec
}

// start runs what runs beside the server, and returns what stops it and waits.
func (g *gateway) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var jobs sync.WaitGroup
	jobs.Go(func() {
		if err := g.tailer.Run(ctx); err != nil && ctx.Err() == nil {
			g.log.Error("following the event log", "error", err)
		}
	})
	jobs.Go(func() { g.work(ctx) })
	return func() {
		cancel()
		g.websocket.Close()
		g.broker.Close()
		jobs.Wait()
	}
}
