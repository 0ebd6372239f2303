package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"redline"
)

type watchCmd struct {
	caFlags `embed:""`

	What      string        `arg:"" optional:"" default:"availability" enum:"availability,stock,orders,conflicts" help:"availability (for anybody), stock, orders or conflicts."`
	URL       string        `default:"http://127.0.0.1:8080" help:"The gateway."`
	Token     string        `help:"Whose eyes to watch with; left out, a storefront's page. Better given as REDLINE_TOKEN."`
	SKU       []string      `placeholder:"SKU" help:"Only these products, for availability and stock."`
	Snapshot  bool          `help:"Print what there is first, marked SNAPSHOT; of conflicts, those that are open."`
	After     string        `placeholder:"CURSOR" help:"Go on from there: print first what was missed since. A watch that ends prints its cursor."`
	Latest    bool          `help:"When changes come faster than they can be read, print only the newest of each level or order."`
	Reconnect bool          `negatable:"" default:"true" help:"Connect again when the connection is lost, and print what was missed meanwhile."`
	Count     int           `help:"Stop after so many changes, in which a snapshot doesn't count; 0 goes on until interrupted."`
	For       time.Duration `help:"Stop after so long; 0 goes on until interrupted."`
}

// watched is what each subject subscribes to.
var watched = map[string]string{
	"availability": `subscription($skus: [String!], $after: Cursor, $snapshot: Boolean!, $delivery: Delivery!) {
		change: availabilityChanged(filter: {skus: $skus}, after: $after, snapshot: $snapshot, delivery: $delivery) {
			cursor at kind available stale product { sku name } location { code } } }`,
	"stock": `subscription($skus: [String!], $after: Cursor, $snapshot: Boolean!, $delivery: Delivery!) {
		change: inventoryChanged(filter: {skus: $skus}, after: $after, snapshot: $snapshot, delivery: $delivery) {
			cursor at kind reason changes { state delta after }
			level { version onHand available committed product { sku } location { code } } } }`,
	"orders": `subscription($after: Cursor, $snapshot: Boolean!, $delivery: Delivery!) {
		change: orderChanged(after: $after, snapshot: $snapshot, delivery: $delivery) {
			cursor at kind from to order { number version status } fulfillmentOrder { id status location { code } } } }`,
	"conflicts": `subscription($after: Cursor, $snapshot: Boolean!) {
		change: conflictChanged(after: $after, snapshot: $snapshot) {
			cursor at kind conflict { id kind status version summary resolution supplier { code } } } }`,
}

// errEnough ends a watch that has seen what it was asked for.
var errEnough = errors.New("enough")

// Run prints a line for each change until it is interrupted.
func (c *watchCmd) Run(ctx context.Context, io streams) error {
	if c.Latest && c.What == "conflicts" {
		return errors.New("each change of a conflict is told: --latest is for availability, stock and orders")
	}
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	w := &watching{watchCmd: c, io: io, cursor: c.After, silence: maxSilence}
	err := w.follow(ctx)
	if at, unreadable := redline.ParseCursor(w.cursor); unreadable == nil && !at.InSnapshot {
		// With =, as a cursor may begin with a dash.
		fmt.Fprintf(io.err, "to go on from here: --after=%s\n", w.cursor)
	}
	if errors.Is(err, errEnough) || over(ctx) {
		return nil
	}
	return err
}

// over reports whether a context has ended, or does this very moment: what it
// bounded may have seen its deadline pass before it did.
func over(ctx context.Context) bool {
	if ctx.Err() != nil {
		return true
	}
	deadline, has := ctx.Deadline()
	return has && !time.Now().Before(deadline)
}

// watching is a watch under way, over all of its connections.
type watching struct {
	*watchCmd
	io streams
	// silence is how long nothing may come before the gateway counts as gone.
	silence time.Duration

	// cursor is the position of what was told last; empty before anything was.
	cursor string
	// begun is true once a gateway has let us in: its address and our token are
	// right, and what fails then may work later.
	begun bool
	// changes are those printed so far.
	changes int
	// heard counts what was told, of any kind.
	heard int

	// lost is when the connection was lost, and why the last reason to be still
	// without; zero and empty while all is well.
	lost time.Time
	why  string
	// resumed is true if the subscription began behind a cursor, and loading if it
	// began with a snapshot. missed and loaded are the changes and what of a
	// snapshot it has told.
	resumed, loading bool
	missed, loaded   int
}

// lostError ends a connection after which another may fare better.
type lostError struct {
	cause error
	// wait is how long the gateway asked to stay away, at least.
	wait time.Duration
	// invited is true if the gateway is there and asked to come back.
	invited bool
}

func (e *lostError) Error() string { return e.cause.Error() }
func (e *lostError) Unwrap() error { return e.cause }

// follow watches, over as many connections as it takes. Before the first has
// stood, one that can't be had is an error: more likely than that a gateway is
// away is that it is somewhere else.
func (w *watching) follow(ctx context.Context) error {
	for attempt := 0; ; attempt++ {
		heard := w.heard
		err := w.connect(ctx)
		lost, may := errors.AsType[*lostError](err)
		if over(ctx) || !may || !w.Reconnect || !w.begun && !lost.invited {
			return err
		}
		if w.heard > heard {
			attempt = 0 // only a connection that told something was worth having
		}
		w.noteLoss(err)
		timer := time.NewTimer(lost.wait + pause(attempt))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// The pauses before connecting again are between minPause and a bound that
// doubles with each attempt, up to maxPause.
const (
	minPause = 250 * time.Millisecond
	maxPause = 15 * time.Second
)

// pause is drawn anew each time, so that those whom a gateway lost together
// don't come back together.
func pause(attempt int) time.Duration {
	upTo := maxPause
	if attempt < 5 {
		upTo = 2 * minPause << attempt
	}
	return minPause + rand.N(upTo-minPause)
}

// noteLoss says that the connection was lost; afterwards, only what is new.
func (w *watching) noteLoss(err error) {
	switch why := err.Error(); {
	case w.lost.IsZero():
		w.lost, w.why = time.Now(), why
		if w.begun {
			fmt.Fprintf(w.io.err, "the connection was lost (%s); reconnecting\n", why)
			return
		}
	case why == w.why:
		return
	default:
		w.why = why
	}
	fmt.Fprintf(w.io.err, "no connection yet (%s); trying again\n", w.why)
}

// noteCaughtUp says what a subscription brought before it was live.
func (w *watching) noteCaughtUp() {
	told := "live from now"
	switch {
	case w.loading:
		told = fmt.Sprintf("the snapshot is complete: %d", w.loaded)
	case w.resumed && w.missed == 0:
		told = "caught up; nothing was missed"
	case w.resumed && w.missed == 1:
		told = "caught up with 1 change"
	case w.resumed:
		told = fmt.Sprintf("caught up with %d changes", w.missed)
	}
	switch {
	case !w.lost.IsZero():
		fmt.Fprintf(w.io.err, "reconnected after %.1fs: %s\n", time.Since(w.lost).Seconds(), told)
	case w.resumed || w.loading:
		fmt.Fprintf(w.io.err, "%s; watching %s from here; interrupt to stop\n", told, w.What)
	default:
		fmt.Fprintf(w.io.err, "watching %s; interrupt to stop\n", w.What)
	}
	w.lost, w.why = time.Time{}, ""
}

// noteExpired forgets a cursor that the log doesn't reach back to, and says what
// follows from that. A watch goes on all the same: it is there to show what
// happens, and says where it couldn't.
func (w *watching) noteExpired(message string) {
	w.cursor = ""
	if w.Snapshot {
		fmt.Fprintf(w.io.err, "the cursor has expired: %s. What changed since isn't told one by one; loading the snapshot anew\n", message)
		return
	}
	fmt.Fprintf(w.io.err, "the cursor has expired: %s. What changed since was missed; going on from now\n", message)
}

// advance takes the cursor with which the gateway closed a connection: it may be
// further than what was told last, where nothing in between was for us.
func (w *watching) advance(reason string) {
	at, err := redline.ParseCursor(reason)
	if err != nil || at.InSnapshot {
		return
	}
	own, err := redline.ParseCursor(w.cursor)
	if w.cursor == "" || err == nil && !own.InSnapshot && own.Epoch == at.Epoch && own.ID < at.ID {
		w.cursor = reason
	}
}

func inSnapshot(cursor string) bool {
	c, err := redline.ParseCursor(cursor)
	return err == nil && c.InSnapshot
}
