package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"redline/server"
)

// checks are what must work for the gateway to be ready.
func (g *gateway) checks(keys *keyring) []server.Check {
	return []server.Check{
		{Name: "database", Probe: g.store.Ping},
		{Name: "event log", Probe: g.tailing, Public: true},
		{Name: "token keys", Probe: keys.ready, Public: true},
	}
}

const (
	// readLag is how long ago the event log may last have answered.
	readLag = 10 * time.Second
	// tellLag is how long ago the log may last have been read for subscribers. A
	// transaction that has written to it and is left open holds all gateways back alike,
	// while they answer everything else: to take all of them out of the balancer would
	// mend nothing. There is an alert long before this. Nor is one unready that has more
	// to read than it keeps up with, however far behind it is: the others have as much.
	tellLag = 5 * time.Minute
)

// tailing reports whether the event log is being followed.
func (g *gateway) tailing(context.Context) error {
	select {
	case <-g.tailer.Ready():
	default:
		return errors.New("where the event log ends isn't known yet")
	}
	return following(time.Since(g.eventLog.LastRead()), time.Since(g.tailer.LastLook()))
}

// following says what is wrong with a log that last answered some time ago, and was last
// read for subscribers some time ago.
func following(sinceRead, sinceLook time.Duration) error {
	switch {
	case sinceRead > readLag:
		return fmt.Errorf("the event log last answered %s ago, and was last read for subscribers %s ago", sinceRead.Round(time.Second), sinceLook.Round(time.Second))
	case sinceLook > tellLag:
		return fmt.Errorf("the event log was last read for subscribers %s ago: it answers, but somebody who has written to it may have left a transaction open", sinceLook.Round(time.Second))
	}
	return nil
}
