package main

import (
	"context"
	"net/http"
	"time"
)

const (
	// noticing is how long it may take until the gateway knows that its database is gone:
	// it asks every second, and waits for three.
	noticing = 6 * time.Second
	// atOnce is what half of those who come then may wait for being refused, and soon what
	// any of them may.
	atOnce = 250 * time.Millisecond
	soon   = time.Second
	// connectionWait and changeWait are how long a read and a change wait for a connection
	// or a row before they are refused, and waitSlack what half of them may wait beyond.
	connectionWait = time.Second
	changeWait     = 3 * time.Second
	waitSlack      = time.Second
	// some is how many refusals of each kind there have to be.
	some = 5
)

// outlast has the database be gone until that is noticed, and then for as long as an
// outage takes; and until some have asked meanwhile.
func (d *drilling) outlast(ctx context.Context) error {
	probing := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: d.within(time.Second)}
	took, noticed := d.until(ctx, d.within(noticing), func() bool { return d.probeOnce(ctx, probing, "/readyz") == "503" })
	if noticed {
		d.say("  noticed     after %s", brief(took))
	} else {
		d.breaks("after %s /readyz still says yes, without a database", brief(took))
	}
	d.orders.mark()
	d.pages.mark()
	pause(ctx, d.outage)
	d.until(ctx, d.within(interrupted), func() bool { return min(d.orders.refusals(), d.pages.refusals()) >= some }) // judged with the rest
	return ctx.Err()
}

// outfill has the pool be full for a share of an outage, and until somebody of each kind
// was refused.
func (d *drilling) outfill(ctx context.Context) error {
	pause(ctx, d.outage/3)
	d.until(ctx, d.within(interrupted), func() bool { return min(d.orders.refusals(), d.pages.refusals()) > 0 }) // judged with the rest
	return ctx.Err()
}

// until waits for something, for so long at most; it says for how long, and whether it
// came.
func (d *drilling) until(ctx context.Context, most time.Duration, came func() bool) (time.Duration, bool) {
	for began := time.Now(); ; pause(ctx, 10*time.Millisecond) {
		if came() {
			return time.Since(began), true
		}
		if took := time.Since(began); took > most || ctx.Err() != nil {
			return took, false
		}
	}
}

// judgeRefusals says whether those whom a fault concerns were told so, and soon; that
// each was told when to come again has a class of its own.
func (d *drilling) judgeRefusals(f fault, orders, pages summary) {
	check := func(who string, s summary, least int, half, all time.Duration) {
		median, slowest := quantile(s.refused, 0.5), quantile(s.refused, 1)
		d.say("  refused     %d %s: half of them within %s, all within %s", len(s.refused), who, brief(median), brief(slowest))
		switch {
		case len(s.refused) < least:
			d.breaks("%s: %d of the %s were told %s", f.title, len(s.refused), who, unavailable)
		case median > d.within(half):
			d.breaks("%s: half of the refused %s took %s or longer", f.title, who, brief(median))
		case slowest > d.within(all):
			d.breaks("%s: one of the refused %s took %s", f.title, who, brief(slowest))
		}
	}
	switch f.cause {
	case gone:
		check("orders", orders, some, atOnce, soon)
		check("pages", pages, some, atOnce, soon)
	case full:
		check("orders", orders, 1, changeWait+waitSlack, f.slowest)
		check("pages", pages, 1, connectionWait+waitSlack, f.slowest)
	case nothing:
	}
}
