package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"time"

	"redline"
	"redline/graph"
	"redline/live"
	"redline/migrations"
	"redline/server"
	"redline/store"
)

type serveCmd struct {
	databaseFlags `embed:""`
	keyFlags      `embed:""`
	logFlags      `embed:""`
	pprofFlags    `embed:""`

	Addr          string        `default:"127.0.0.1:8080" help:"Where to listen; port 0 takes a free one, which the log names."`
	Demo          bool          `help:"Load the demo data if the database is empty, and print tokens and commands to try."`
	Dev           bool          `help:"For development: permit the data directory's key beside an outside database, introspection and suggestions."`
	Introspection bool          `help:"Answer introspection queries and suggest names in errors; --demo and --dev do too."`
	Origin        []string      `placeholder:"ORIGIN" help:"Another origin whose pages may open websockets, as scheme://host:port."`
	MaxConns      int           `default:"20" help:"The most connections to Postgres."`
	Unprepared    bool          `help:"Prepare no statements: for a pooler in transaction mode before Postgres that doesn't track them."`
	KeepEvents    time.Duration `default:"168h" help:"How long the event log is kept: so old may a cursor be that a client comes back with."`
	QueueMessages int           `default:"20000" help:"How many messages may wait for one websocket or stream; whoever lets more wait is cut off. A single change makes up to 10,000."`
	QueueBytes    int           `default:"16777216" help:"How many bytes may wait for one websocket or stream."`
	MaxSockets    int           `default:"100000" help:"The most websockets and streams that may be open."`
	MaxPerAddress int           `default:"20000" help:"The most of them from one address; behind a proxy that is the proxy's."`
	ConnectRate   int           `help:"The most websockets and streams that are let in a second; the others are told when to come again. 0 lets all in."`
	DrainDelay    time.Duration `default:"0s" help:"How long to go on answering after /readyz says no, for load balancers to notice."`
	DrainBudget   time.Duration `default:"10s" help:"How long stopping may take in all."`
	DrainSpread   time.Duration `help:"The time over which a stopping gateway sends its websockets and streams elsewhere; left out, half of what the budget leaves. Between two of them it is 20 ms at most."`
}

// gateway is all the rooms, wired. Its parts stop in the reverse order.
type gateway struct {
	store     *store.Store
	log       *slog.Logger
	eventLog  *store.EventLog
	broker    *live.Broker
	tailer    *live.Tailer
	graph     *graph.Graph
	door      *live.Door
	websocket *live.WebSocket
	server    *server.Server
	// keepEvents is how long the event log is kept.
	keepEvents time.Duration
}

// Run serves until ctx ends, and then stops in order: no new requests, the
// sockets, what was begun, the readers of the log, and Postgres last. It stops
// as well, with an error, when the private Postgres ends by itself.
func (c *serveCmd) Run(ctx context.Context, io streams) (err error) {
	defer runtime.KeepAlive(ballast())
	log, endLog, err := c.logger(io)
	if err != nil {
		return err
	}
	defer endLog()
	if err := c.check(); err != nil {
		return err
	}
	// Before anything slow: a taken port is said at once.
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", c.Addr, err)
	}
	defer func() { _ = listener.Close() }() // the server has closed it, unless it never ran

	stopProfiling, err := c.servePprof(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopProfiling()) }()

	db, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.stop(ctx)) }()
	keys, err := c.keys(c.DataDir, c.DatabaseURL != "" && !c.Dev)
	if err != nil {
		return err
	}

	g := &gateway{log: log, keepEvents: c.KeepEvents}
	g.store, err = store.Open(ctx, db.url, store.Options{
		MaxConns: c.MaxConns, Unprepared: c.Unprepared, Committed: func() { g.tailer.Wake() }, Log: log,
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
	case <-time.After(tailLag):
	case <-ctx.Done():
	}

	addr := listener.Addr()
	log.Info("listening", "addr", addr.String(), "graphql", "http://"+addr.String()+"/graphql")
	if c.Demo {
		if err := printDemo(io, addr.String(), keys); err != nil {
			return err
		}
	}
	// Without its private Postgres the gateway would only say that it can't be
	// reached. It stops, in order, for a supervisor to start both anew.
	serving, release := db.whileUp(ctx)
	defer release()
	err = g.server.Serve(serving, listener)
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
	var faults []error
	if c.MaxConns < 5 {
		faults = append(faults, fmt.Errorf("--max-conns is %d; at least 5 are needed", c.MaxConns))
	}
	if c.DrainBudget <= 0 || c.DrainDelay < 0 || c.DrainDelay >= c.DrainBudget {
		faults = append(faults, fmt.Errorf("--drain-delay (%s) has to be shorter than --drain-budget (%s)", c.DrainDelay, c.DrainBudget))
	}
	if c.DrainSpread < 0 || c.DrainDelay+c.DrainSpread >= c.DrainBudget {
		faults = append(faults, fmt.Errorf("--drain-spread (%s) and --drain-delay (%s) together have to be shorter than --drain-budget (%s)", c.DrainSpread, c.DrainDelay, c.DrainBudget))
	}
	if c.ConnectRate < 0 {
		faults = append(faults, fmt.Errorf("--connect-rate is %d; it can't be negative", c.ConnectRate))
	}
	for _, least := range []struct {
		flag string
		n    int
	}{
		{"--queue-messages", c.QueueMessages}, {"--queue-bytes", c.QueueBytes}, {"--max-sockets", c.MaxSockets}, {"--max-per-address", c.MaxPerAddress},
	} {
		if least.n < 1 {
			faults = append(faults, fmt.Errorf("%s is %d; it has to be at least 1", least.flag, least.n))
		}
	}
	if c.KeepEvents < time.Hour {
		faults = append(faults, fmt.Errorf("--keep-events is %s; at least an hour is needed", c.KeepEvents))
	}
	if c.DatabaseURL != "" && !c.Dev && !c.configured() {
		faults = append(faults, errors.New("with a database of your own the gateway needs the keys of your tokens' issuer: "+
			"set --jwt-public-keys (REDLINE_JWT_PUBLIC_KEYS) to a PEM file or --jwt-secret-file (REDLINE_JWT_SECRET_FILE) to a file with a secret; "+
			"or, for development alone, --dev (REDLINE_DEV=true), which takes the tokens of `redline token`"))
	}
	return errors.Join(append(faults, c.checkPprof())...)
}

// wire makes the rooms and joins them.
func (g *gateway) wire(c *serveCmd, keys *keyring) (err error) {
	g.eventLog = g.store.EventLog()
	if g.broker, err = live.NewBroker(live.BrokerOptions{History: g.store, Logger: g.log}); err != nil {
		return err
	}
	if g.tailer, err = live.NewTailer(g.eventLog, g.broker, live.TailerOptions{OnPlaces: g.store.RefreshPlaces, Logger: g.log}); err != nil {
		return err
	}
	g.graph = graph.New(graph.Options{Store: g.store, Live: g.broker, Log: g.log})
	exec := g.graph.Executor()
	introspection := c.Introspection || c.Demo || c.Dev
	if err := server.ConfigureExecutor(exec, server.ExecOptions{Introspection: introspection}); err != nil {
		return err
	}
	spread := c.DrainSpread
	if spread == 0 {
		spread = (c.DrainBudget - c.DrainDelay) / 2
	}
	g.door, err = live.NewDoor(g.broker, live.DoorOptions{
		Limits: live.Limits{QueueMessages: c.QueueMessages, QueueBytes: c.QueueBytes}, MaxConnections: c.MaxSockets, MaxPerAddress: c.MaxPerAddress, ConnectRate: c.ConnectRate, DrainSpread: spread, Logger: g.log,
	})
	if err != nil {
		return err
	}
	g.websocket, err = live.NewWebSocket(g.door, live.WebSocketOptions{
		Origins: c.Origin,
		Authenticate: func(ctx context.Context, authorization string, present bool) (redline.Principal, error) {
			if !present {
				return redline.PrincipalFrom(ctx), nil
			}
			return keys.authenticate(ctx, []string{authorization})
		},
	})
	if err != nil {
		return err
	}
	overHTTP, err := live.NewStreams(g.door, live.StreamOptions{})
	if err != nil {
		return err
	}
	g.server, err = server.New(server.Options{
		Executor: exec, WebSocket: g.websocket, Streams: overHTTP, Tickets: g.store, Metrics: g.metrics(),
		Authenticate: keys.authenticate, Log: g.log, DrainDelay: c.DrainDelay, DrainBudget: c.DrainBudget,
		Ready: []server.Check{{Name: "database", Probe: g.store.Ping}, {Name: "event log", Probe: g.tailing}},
		Drain: func(ctx context.Context) {
			if err := g.door.Shutdown(ctx); err != nil {
				g.log.Error("closing the websockets and streams", "error", err)
			}
		},
	})
	return err
}

// tailLag is how old the last look at the event log may be.
const tailLag = 10 * time.Second

// tailing reports whether the event log is being followed.
func (g *gateway) tailing(context.Context) error {
	select {
	case <-g.tailer.Ready():
	default:
		return errors.New("the event log hasn't been read yet")
	}
	if age := time.Since(g.tailer.LastLook()); age > tailLag {
		return fmt.Errorf("the event log was last looked at %s ago", age.Round(time.Second))
	}
	return nil
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
