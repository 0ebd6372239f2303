package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// modeFlags say what the gateway is run for.
type modeFlags struct {
	Demo        bool    `help:"Load the demo data if the database is empty, and print tokens and commands to try. Answers introspection."`
	DemoTraffic float64 `placeholder:"RATE" help:"With --demo: make believable traffic at this gateway, as redline demo-traffic does: so many actions a second. 0 makes none."`
	Dev         bool    `help:"For development: permit the data directory's key beside an outside database, introspection and suggestions."`
}

func (f *modeFlags) check() error {
	switch {
	case f.DemoTraffic == 0:
		return nil
	case !f.Demo:
		return errors.New("--demo-traffic needs --demo")
	}
	return checkTrafficRate("--demo-traffic", f.DemoTraffic)
}

// listenFlags say where the gateway listens.
type listenFlags struct {
	Addr string `default:"127.0.0.1:8080" help:"Where to listen; port 0 takes a free one, which the log names."`
}

func (f *listenFlags) check() error { return checkAddress("--addr", f.Addr) }

// checkAddress refuses what is no address to listen on, and asks nobody for names.
func checkAddress(flag, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.DefaultResolver.LookupPort(context.Background(), "tcp", port) // it reads /etc/services at most
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", flag, err)
	}
	return nil
}

// loopback reports whether a host, without its port, is this machine to itself: localhost
// or an address of its own loopback. Nobody is asked for names.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// poolFlags say how the gateway uses its database.
type poolFlags struct {
	MaxConns   int           `default:"20" help:"The most connections to Postgres."`
	Unprepared bool          `help:"Prepare no statements: for a pooler in transaction mode before Postgres that doesn't track them; each statement is then parsed and planned anew."`
	KeepEvents time.Duration `default:"168h" help:"How long the event log is kept: so old may a cursor be that a client comes back with."`
}

func (f *poolFlags) check() error {
	var faults []error
	if f.MaxConns < 7 {
		faults = append(faults, fmt.Errorf("--max-conns is %d; at least 7 are needed", f.MaxConns))
	}
	if f.KeepEvents < time.Hour {
		faults = append(faults, fmt.Errorf("--keep-events is %s; at least an hour is needed", f.KeepEvents))
	}
	return errors.Join(faults...)
}

// graphqlFlags say what the gateway answers of GraphQL.
type graphqlFlags struct {
	Introspection bool `help:"Answer introspection queries of anybody and suggest names in errors; --demo and --dev do too. Without it that is for the scope schema:read."`
}

// liveFlags bound what websockets and streams may take.
type liveFlags struct {
	QueueMessages int `default:"20000" help:"How many messages may wait for one websocket or stream; whoever lets more wait is cut off. A single change makes up to 10,000."`
	QueueBytes    int `default:"16777216" help:"How many bytes may wait for one websocket or stream."`
	MaxSockets    int `default:"100000" help:"The most websockets and streams that may be open."`
	MaxPerAddress int `default:"20000" help:"The most websockets and streams from one address, of IPv6 from one /64; behind a proxy that is the proxy's, unless --trusted-proxy names it."`
	MaxGroups     int `default:"50000" help:"The most different subscriptions that may run: those of who may see the same and asks for the same are one."`
	ConnectRate   int `help:"The most websockets and streams that are let in a second; the others are told when to come again. 0 lets all in."`
}

func (f *liveFlags) check() error {
	var faults []error
	for _, least := range []struct {
		flag string
		n    int
	}{
		{"--queue-messages", f.QueueMessages}, {"--queue-bytes", f.QueueBytes}, {"--max-sockets", f.MaxSockets}, {"--max-per-address", f.MaxPerAddress}, {"--max-groups", f.MaxGroups},
	} {
		if least.n < 1 {
			faults = append(faults, fmt.Errorf("%s is %d; it has to be at least 1", least.flag, least.n))
		}
	}
	if f.ConnectRate < 0 {
		faults = append(faults, fmt.Errorf("--connect-rate is %d; it can't be negative", f.ConnectRate))
	}
	return errors.Join(faults...)
}

// stopFlags say how the gateway stops.
type stopFlags struct {
	DrainDelay  time.Duration `default:"0s" help:"Stopping: how long to go on answering after /readyz says no, for load balancers to notice."`
	DrainBudget time.Duration `default:"10s" help:"Stopping: how long it may take in all."`
	DrainSpread time.Duration `help:"Stopping: the time over which websockets and streams are sent elsewhere; left out, half of what the budget leaves. Between two of them it is 20 ms at most."`
}

func (f *stopFlags) check() error {
	var faults []error
	wrong := f.DrainBudget <= 0 || f.DrainDelay < 0 || f.DrainDelay >= f.DrainBudget
	if wrong {
		faults = append(faults, fmt.Errorf("--drain-delay (%s) has to be shorter than --drain-budget (%s)", f.DrainDelay, f.DrainBudget))
	}
	if f.DrainSpread < 0 || !wrong && f.DrainDelay+f.DrainSpread >= f.DrainBudget {
		faults = append(faults, fmt.Errorf("--drain-spread (%s) and --drain-delay (%s) together have to be shorter than --drain-budget (%s)", f.DrainSpread, f.DrainDelay, f.DrainBudget))
	}
	return errors.Join(faults...)
}

// spread is the time over which connections are sent elsewhere.
func (f *stopFlags) spread() time.Duration {
	if f.DrainSpread == 0 {
		return (f.DrainBudget - f.DrainDelay) / 2
	}
	return f.DrainSpread
}
