package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"redline/test/internal/measure"
)

// fault is one thing that goes wrong, and what is promised meanwhile to the users who
// have nothing to do with it.
type fault struct {
	// short says that it may be over before everybody has asked once.
	short bool
	title string
	// run does it for as long as it takes, and ends it.
	run func(ctx context.Context) error
	// codes are what users may be answered beside what they asked for.
	codes []string
	// slowest is what an answer may take, and usual what all but one in a hundred may;
	// 0 is any.
	slowest, usual time.Duration
	// unready says that /readyz may say so; down that the gateway isn't there for a
	// while, and then no probe is answered.
	unready, down bool
	// cause is what is wrong with the database meanwhile.
	cause cause
}

// cause is why a fault has requests refused.
type cause int

const (
	// nothing: none need be refused.
	nothing cause = iota
	// gone: the database isn't there, which takes noticing.
	gone
	// full: the connections are taken.
	full
)

func (f fault) allows(class string) bool {
	return class == answered || class == soldOut || class == "in progress" ||
		slices.ContainsFunc(f.codes, func(code string) bool { return strings.HasSuffix(class, code) })
}

// What users may be told while the database is gone, and while the gateway is.
var (
	withoutDatabase = []string{"UNAVAILABLE", "OUTCOME_UNKNOWN"}
	withoutGateway  = append([]string{noGateway}, withoutDatabase...)
)

const (
	// interrupted is what a request may take that was under way when the database or the
	// gateway went: as long as it takes to notice, for each of the few statements that it
	// waits for.
	interrupted = 15 * time.Second
	// bothered is what a request may take while others are hostile, on a machine of
	// which they share the processors.
	bothered = 10 * time.Second
	often    = 3 * time.Second
)

// faults are all of them, in the order in which they are tried.
func (d *drilling) faults() []fault {
	all := []fault{
		{title: "nothing is wrong", run: d.calm, slowest: bothered, usual: often},
		{title: "Postgres stands still (SIGSTOP)", run: d.stopPostgres, codes: withoutDatabase, slowest: interrupted, unready: true, cause: gone},
		{title: "the network swallows what goes to Postgres", run: d.swallow, codes: withoutDatabase, slowest: interrupted, unready: true, cause: gone},
		{title: "Postgres is killed, and started again", run: d.killPostgres, codes: withoutDatabase, slowest: interrupted, unready: true, cause: gone},
		{title: "every connection waits for a lock", run: d.fillPool, codes: withoutDatabase, slowest: interrupted, cause: full},
	}
	for _, h := range d.hostile() {
		all = append(all, fault{title: h.title, run: func(ctx context.Context) error { return d.besiege(ctx, h) }, slowest: bothered, usual: often})
	}
	return append(all,
		fault{title: "clients that never finish, since the beginning", run: d.outstayed, short: true, slowest: bothered, usual: often},
		fault{title: "a deploy: SIGTERM under load, and a new gateway", run: d.redeploy, codes: withoutGateway, slowest: interrupted, unready: true, down: true},
		fault{title: "the gateway is killed (SIGKILL), and started again", run: d.killGateway, codes: withoutGateway, slowest: interrupted, unready: true, down: true},
	)
}

func (d *drilling) calm(ctx context.Context) error {
	pause(ctx, d.flood)
	return ctx.Err()
}

// stopPostgres stops all its processes: its connections stand, and nothing is answered.
func (d *drilling) stopPostgres(ctx context.Context) error {
	var stopped []int
	defer func() {
		for _, pid := range stopped {
			_ = syscall.Kill(pid, syscall.SIGCONT) // it may have ended
		}
	}()
	// The postmaster first, so that it starts no more.
	if err := syscall.Kill(d.db.Master, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stopping Postgres: %w", err)
	}
	for _, pid := range measure.Family(d.db.Master) {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err == nil {
			stopped = append(stopped, pid)
		}
	}
	return d.outlast(ctx)
}

func (d *drilling) swallow(ctx context.Context) error {
	d.relay.still.Lock()
	defer d.relay.still.Unlock()
	return d.outlast(ctx)
}

func (d *drilling) killPostgres(ctx context.Context) error {
	if err := d.db.Crash(); err != nil {
		return err
	}
	err := d.outlast(ctx)
	db, openErr := measure.OpenDatabase(context.WithoutCancel(ctx), d.database)
	if openErr != nil {
		return errors.Join(err, openErr)
	}
	d.db = db
	return err
}

// fillPool holds locks that everybody waits for who reads products or changes stock.
func (d *drilling) fillPool(ctx context.Context) error {
	tx, err := d.db.DB.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("filling the pool: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // it has changed nothing
	if _, err := tx.ExecContext(ctx, `LOCK TABLE products, inventory_levels IN ACCESS EXCLUSIVE MODE`); err != nil {
		return fmt.Errorf("filling the pool: %w", err)
	}
	// A crowd of readers, so that there are more than connections.
	crowd, disperse := context.WithCancel(ctx)
	defer disperse()
	wait := d.spawn(crowd, 100, d.read)
	err = d.outfill(ctx)
	disperse()
	wait()
	return err
}

func (d *drilling) redeploy(ctx context.Context) error {
	for _, w := range d.watching {
		w.takeCloses() // of what came before
	}
	began := time.Now()
	d.gateway.Stop()
	took := time.Since(began)
	d.say("  stopped     in %s", brief(took))
	if d.gateway.Err != nil {
		d.breaks("a gateway that was told to stop ended with %v", d.gateway.Err)
	}
	if took > drainBudget+d.within(time.Second) {
		d.breaks("a gateway took %s to stop, and has %s", brief(took), drainBudget)
	}
	if err := d.startGateway(ctx); err != nil {
		return err
	}
	return d.sentElsewhere(ctx)
}

// sentElsewhere looks how the dashboards were closed: each with 1012 and its cursor.
func (d *drilling) sentElsewhere(ctx context.Context) error {
	all, told := map[string]int{}, 0
	for _, w := range d.watching {
		for until := time.Now().Add(d.within(recovery)); !w.hasClosed() && time.Now().Before(until) && ctx.Err() == nil; {
			pause(ctx, 10*time.Millisecond)
		}
		closes := w.takeCloses()
		for how, n := range closes {
			all[how] += n
		}
		if closes["1012 with a cursor"] == 1 {
			told++
		}
	}
	d.say("  closed      %s", classes(all))
	if told < len(d.watching) {
		d.breaks("%d of %d dashboards were told by 1012 and a cursor to come back", told, len(d.watching))
	}
	return ctx.Err()
}

func (d *drilling) killGateway(ctx context.Context) error {
	d.gateway.Kill()
	return d.startGateway(ctx)
}

func (d *drilling) startGateway(ctx context.Context) error {
	gateway, err := d.redline.StartAt(ctx, d.addr)
	if err != nil {
		return errors.Join(fmt.Errorf("starting a gateway at %s, with its log in %s", d.addr, filepath.Dir(d.database)), err)
	}
	d.gateway = gateway
	return nil
}
