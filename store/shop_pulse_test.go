package store_test

import (
	"context"
	"testing"
	"time"

	"redline"
)

// pulse reads the last minutes, as the operator.
func (w *world) pulse(minutes int) *redline.Pulse {
	w.t.Helper()
	p, err := w.Pulse(w.ctx, operator, minutes)
	w.must(err)
	return p
}

// total is how many orders a pulse has.
func total(p *redline.Pulse) (n int) {
	for _, m := range p.Minutes {
		n += m.Orders
	}
	return n
}

// minute is what a pulse has of the minute of an instant.
func minute(t *testing.T, p *redline.Pulse, at time.Time) redline.PulseMinute {
	t.Helper()
	for _, m := range p.Minutes {
		if m.At.Equal(at.Truncate(time.Minute)) {
			return m
		}
	}
	t.Fatalf("a pulse of %d minutes at %s has none at %s", len(p.Minutes), p.At, at)
	return redline.PulseMinute{}
}

// Each minute has the orders that were placed in it and the units that moved, and none
// is left out.
func TestPulse(t *testing.T) {
	w := newWorld(t)
	placed := w.place(shop, line("pads", 2)) // promises goods, and moves none
	w.place(shop, line("tea", 1))
	w.adjust(operator, "pads", "east", 5)
	w.adjust(operator, "pads", "west", -3)
	w.exec(`UPDATE orders SET placed_at = placed_at - interval '10 minutes' WHERE id = $1`, placed.ID)
	units := map[time.Time]int64{}
	all, err := w.Movements(w.ctx, operator, redline.MovementFilter{}, redline.PageRequest{First: ref(250)})
	w.must(err)
	for _, m := range all.Items {
		for _, c := range m.Changes {
			if c.State == redline.StateOnHand {
				units[m.RecordedAt.Truncate(time.Minute)] += int64(max(c.Delta, -c.Delta))
			}
		}
	}
	p := w.pulse(60)
	equal(t, "minutes", len(p.Minutes), 60)
	orders, moved := 0, int64(0)
	for i, m := range p.Minutes {
		if want := p.At.Truncate(time.Minute).Add(time.Duration(i-59) * time.Minute); !m.At.Equal(want) {
			t.Errorf("minute %d began at %s, want %s", i, m.At, want)
		}
		equal(t, "units at "+m.At.String(), m.Units, units[m.At])
		orders, moved = orders+m.Orders, moved+m.Units
	}
	equal(t, "orders", orders, 2)
	equal(t, "the order ten minutes ago", minute(t, p, placed.PlacedAt.Add(-10*time.Minute)).Orders, 1)
	if moved < 8 {
		t.Errorf("%d units moved", moved)
	}
	equal(t, "the last minutes", w.pulse(3).Minutes, p.Minutes[57:])
}

// However many ask, it is read once in a second; and of what is known, that which can't
// change isn't read again.
func TestPulseIsShared(t *testing.T) {
	w, y := newSpiedWorld(t)
	ids := make([]string, 4)
	for i := range ids {
		ids[i] = w.place(shop, line("pads", 1)).ID
	}
	ago := func(i, minutes int) {
		w.exec(`UPDATE orders SET placed_at = clock_timestamp() - make_interval(mins => $2) WHERE id = $1`, ids[i], minutes)
	}
	ago(0, 10)
	ago(1, 100)
	ago(2, 200)
	ago(3, 200)
	began := time.Now()
	sent, _ := y.during(func() {
		for _, err := range atOnce(5, func(int) error {
			p, err := w.Pulse(w.ctx, operator, 60)
			if err == nil {
				p.Minutes[0].Orders = 1000 // its own copy
			}
			return err
		}) {
			w.must(err)
		}
	})
	if took := time.Since(began); len(sent) != 13 && took < time.Second { // the clock, and five minutes at a time
		t.Errorf("five who asked cost%s", quoted(sent))
	}
	equal(t, "an hour", total(w.pulse(60)), 1)
	equal(t, "all of it", total(w.pulse(redline.PulseMax)), 2)
	equal(t, "an hour of it", total(w.pulse(60)), 1)

	ago(2, 0)
	ago(3, 20) // as nobody's is: it would have been there before
	w.AgePulse()
	equal(t, "afterwards", total(w.pulse(60)), 2)
}

// A shop may be so busy that not all of a long pulse is read in time: what was read is
// known, and who asks again gets the rest.
func TestPulseGoesOnWhereItFailed(t *testing.T) {
	w, y := newSpiedWorld(t)
	ids := make([]string, 3)
	for i := range ids {
		ids[i] = w.place(shop, line("pads", 1)).ID
		w.exec(`UPDATE orders SET placed_at = clock_timestamp() - make_interval(mins => $2) WHERE id = $1`, ids[i], []int{2, 12, 170}[i])
	}
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	slices := 0
	y.waitsFor("pulse.minutes", func() {
		if slices++; slices == 4 {
			cancel()
		}
	})
	failed, _ := y.during(func() {
		if _, err := w.Pulse(ctx, operator, redline.PulseMax); err == nil {
			t.Error("it was read though nobody waited for it")
		}
	})
	known, _ := y.during(func() { equal(t, "what was read", total(w.pulse(15)), 2) })
	w.AgePulse()
	rest, _ := y.during(func() { equal(t, "all of it", total(w.pulse(redline.PulseMax)), 3) })
	// The clock and three of 36 slices, with a fourth that fails, or is read before it
	// notices; nothing, or where a second went by the clock and what isn't settled; and
	// these with what is left.
	if len(failed) != 5 || len(known) > 2 || len(rest) > 35 {
		t.Errorf("it took%s\nthen%s\nand then%s", quoted(failed), quoted(known), quoted(rest))
	}
}

// It is for those who see everybody's orders and stock.
func TestWhosePulse(t *testing.T) {
	w := newWorld(t)
	w.place(shop, line("pads", 1))
	equal(t, "orders", w.pulse(2).Minutes[0].Orders+w.pulse(2).Minutes[1].Orders, 1)
	for who, p := range map[string]redline.Principal{"cajun": cajun, "shop": shop, "ann": buyer, "anybody": redline.Anonymous()} {
		p.Scopes = append(p.Scopes, redline.ScopePulseRead)
		if got, err := w.Pulse(w.ctx, p, 2); got != nil || err != nil {
			t.Errorf("%s gets %+v, %v", who, got, err)
		}
	}
	for _, n := range []int{0, -1, redline.PulseMax + 1} {
		_, err := w.Pulse(w.ctx, operator, n)
		refused(t, err, redline.CodeInvalid, "minutes")
	}
}
