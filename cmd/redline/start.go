package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/lib/pq"

	"redline/store"
)

// startFlags say how patient the gateway is with its database.
type startFlags struct {
	StartTimeout   time.Duration `default:"1m" help:"How long to wait at the start for a database that doesn't answer yet; 0s tries once."`
	ConnectionWait time.Duration `default:"1s" help:"How long a read waits for a connection when all are taken; then it is told UNAVAILABLE, and to try again."`
}

func (f *startFlags) check() error {
	var faults []error
	if f.StartTimeout < 0 {
		faults = append(faults, fmt.Errorf("--start-timeout is %s; it can't be negative", f.StartTimeout))
	}
	if f.ConnectionWait <= 0 {
		faults = append(faults, fmt.Errorf("--connection-wait is %s; it has to be longer than nothing", f.ConnectionWait))
	}
	return errors.Join(faults...)
}

// Between two tries to reach a database that isn't there yet.
const (
	firstStartPause = 100 * time.Millisecond
	lastStartPause  = 2 * time.Second
)

// openStore connects to the database, and waits for one that comes up later than the
// gateway does. What waiting doesn't mend is told at once.
func (f *startFlags) openStore(ctx context.Context, url string, o store.Options) (*store.Store, error) {
	patience, cancel := context.WithTimeout(ctx, max(f.StartTimeout, time.Nanosecond))
	defer cancel()
	said := false
	for wait := firstStartPause; ; wait = min(2*wait, lastStartPause) {
		s, err := store.Open(ctx, url, o)
		if err == nil {
			return s, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err() // it was asked to stop, whatever Open says
		}
		if !mayPass(err) {
			return nil, err
		}
		if !said {
			o.Log.LogAttrs(ctx, slog.LevelWarn, "waiting for the database", slog.String("patience", f.StartTimeout.String()), slog.String("error", err.Error()))
			said = true
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-patience.Done():
			timer.Stop()
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("the database didn't answer within %s (--start-timeout): %w", f.StartTimeout, err)
		}
	}
}

// mayPass reports whether a database that can't be reached so may be reached later:
// nobody listens yet, its name isn't known yet, or it is starting up or full. A wrong
// password or a database that doesn't exist is somebody's mistake.
func mayPass(err error) bool {
	var pe *pq.Error
	if errors.As(err, &pe) {
		switch pe.Code.Class() {
		case "08", "53", "57":
			return true
		}
		return false
	}
	return store.Broken(err)
}

// freeAddress sees that an address can be listened on. Nobody is let in meanwhile: who
// comes before the gateway is ready is refused, and goes elsewhere, rather than left
// to wait.
func freeAddress(ctx context.Context, addr string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err == nil {
		err = listener.Close()
	}
	if err != nil {
		return fmt.Errorf("listening on %s: %w", addr, err)
	}
	return nil
}
