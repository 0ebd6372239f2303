package test_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"redline"
)

// telling is what a subscription told, whatever it is of.
type telling struct {
	Cursor, Kind      string
	Level, Order      json.RawMessage
	Product, Location *struct{ ID string }
	Available         *int
}

// hear takes one answer. id is the event's own on a stream.
func (f *follower) hear(payload []byte, id string) {
	var a struct {
		Data       map[string]*telling
		Errors     json.RawMessage
		Extensions struct{ Cursor string }
	}
	if err := json.Unmarshal(payload, &a); err != nil || a.Errors != nil || len(a.Data) != 1 {
		f.fault("it was told %.500s (%v)", payload, err)
		return
	}
	var e *telling
	for _, e = range a.Data {
		if e == nil {
			f.fault("it was told %.500s", payload)
			return
		}
	}
	at, err := parseCursor(e.Cursor)
	if err != nil || a.Extensions.Cursor != e.Cursor || f.stream && id != e.Cursor {
		f.fault("the cursors of an answer are %q, %q and %q (%v)", e.Cursor, a.Extensions.Cursor, id, err)
		return
	}
	f.note(func() {
		f.cursor = e.Cursor
		f.take(e, at)
	})
}

// take puts what is told into the story. The caller holds mu.
func (f *follower) take(e *telling, at redline.Cursor) {
	if at.InSnapshot && (f.begun || !f.snapshot) {
		f.faultLocked("it is in a snapshot with %s at %d", e.Kind, at.ID)
	}
	if e.Kind == "CAUGHT_UP" {
		if f.live || at.InSnapshot || at.ID < f.last {
			f.faultLocked("it is caught up at %d, having been at %d; told so before: %v", at.ID, f.last, f.live)
		}
		f.live = true
		f.tally.caughtUp++
		if !f.begun && f.snapshot {
			f.tally.snapshots++
		}
		f.begin(at.ID)
		f.last = at.ID
		return
	}
	about, body := f.subject(e)
	about.ID, about.Removed = at.ID, e.Kind == "REMOVED"
	switch {
	case e.Kind == "SNAPSHOT":
		if !at.InSnapshot || f.live || about.ID < f.last {
			f.faultLocked("it is told SNAPSHOT at %+v, having been at %d", at, f.last)
		}
		if _, twice := f.versions[about.Subject]; twice {
			f.faultLocked("%s is in the snapshot twice", about.Subject)
		}
	case e.Kind != "CHANGE" && e.Kind != "REMOVED":
		f.faultLocked("it is told %s", e.Kind)
	case about.ID <= f.last:
		f.faultLocked("it is told of %d after %d", about.ID, f.last)
	case f.whole:
		if before, known := f.versions[about.Subject]; known && about.Number != before+1 {
			f.faultLocked("%s is told at version %d, and then at %d", about.Subject, before, about.Number)
		}
	}
	f.versions[about.Subject] = about.Number
	f.last = about.ID
	if e.Kind != "SNAPSHOT" {
		f.tale = append(f.tale, about)
	}
	if f.keep {
		if f.state[about.Subject] = body; about.Removed {
			delete(f.state, about.Subject)
		}
	}
	if at.InSnapshot && f.cutAt > 0 && len(f.versions) == f.cutAt {
		f.cutAt = 0
		f.tally.cuts++
		f.cutOff()
		f.cutOff = nil
	}
}

// subject is what is told of, as the log has it too.
func (f *follower) subject(e *telling) (entry, json.RawMessage) {
	body := e.Level
	if body == nil {
		body = e.Order
	}
	var s struct {
		ID      string
		Version int
	}
	switch {
	case body != nil:
		if err := json.Unmarshal(body, &s); err != nil || s.ID == "" {
			f.faultLocked("it is told of %s (%v)", body, err)
		}
		return entry{Subject: s.ID, Number: s.Version}, body
	case e.Product != nil && e.Location != nil && e.Available != nil:
		return entry{Subject: e.Product.ID + " at " + e.Location.ID, Number: *e.Available}, json.RawMessage(strconv.Itoa(*e.Available))
	}
	f.faultLocked("it is told %s of nothing", e.Kind)
	return entry{}, nil
}

// waits waits until something is so of a follower, or the follower is at fault.
func (f *follower) waits(within time.Duration, what string, isSo func() bool) error {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	for {
		f.mu.Lock()
		so, faults, changed := isSo(), f.faults, f.changed
		stands := fmt.Sprintf("it stands at %d, from %d on, with %s", f.last, f.first, f.tally)
		f.mu.Unlock()
		switch {
		case len(faults) > 0:
			return fmt.Errorf("%s: %s", f.name, strings.Join(faults, "; "))
		case so:
			return nil
		}
		select {
		case <-changed:
		case <-deadline.C:
			return fmt.Errorf("%s: not within %s: %s; %s", f.name, within, what, stands)
		}
	}
}

// waitAll waits for many followers at once, and fails the test with the first few
// that don't get there.
func waitAll(t *testing.T, followers []*follower, what string, isSo func(*follower) bool) {
	t.Helper()
	failed := make([]error, len(followers))
	var all sync.WaitGroup
	for i, f := range followers {
		all.Go(func() { failed[i] = f.waits(livePatience, what, func() bool { return isSo(f) }) })
	}
	all.Wait()
	failed = slices.DeleteFunc(failed, func(err error) bool { return err == nil })
	if n := len(failed); n > 0 {
		t.Fatalf("%d of %d followers failed: %v", n, len(followers), errors.Join(failed[:min(n, 5)]...))
	}
}

// areLive waits until all followers have been told that they are caught up.
func areLive(t *testing.T, followers []*follower) {
	t.Helper()
	waitAll(t, followers, "being caught up", func(f *follower) bool { return f.live })
}

// readLog reads the log's entries of a type that meet a condition on the event, by
// id. number is what of the payload is told.
func readLog(t *testing.T, db *sqlx.DB, kind, number, where string, args ...any) []entry {
	t.Helper()
	var log []entry
	err := db.SelectContext(t.Context(), &log, `SELECT id, subject, number, removed FROM (
		SELECT id, subject_id AS subject, (payload #>> '`+number+`')::int AS number, payload::jsonb AS p FROM events WHERE type = '`+kind+`') e,
		LATERAL (`+where+`) w (told, removed) WHERE told ORDER BY id`, args...)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// upTo is the log's newest event.
func upTo(t *testing.T, db *sqlx.DB) (newest int64) {
	t.Helper()
	if err := db.GetContext(t.Context(), &newest, `SELECT max(id) FROM events`); err != nil {
		t.Fatal(err)
	}
	return newest
}

// check holds a follower's story against the log, from its beginning to an event.
// It returns how many events that were.
func (f *follower) check(t *testing.T, log []entry, upTo int64) int {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	within := func(all []entry) (out []entry) {
		for _, e := range all {
			if e.ID > f.first && e.ID <= upTo {
				out = append(out, e)
			}
		}
		return out
	}
	want, got := within(log), within(f.tale)
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			t.Errorf("%s: of %d events since %d it was told %d; the next is %+v", f.name, len(want), f.first, len(got), want[i])
		case i >= len(want) || got[i].ID != want[i].ID || got[i].Number != want[i].Number || got[i].Removed != want[i].Removed:
			t.Errorf("%s: event %d since %d is told as %+v; the log has %+v", f.name, i+1, f.first, got[i], want[min(i, len(want)-1):min(i+1, len(want))])
		default:
			continue
		}
		break
	}
	if !f.live {
		t.Errorf("%s: its last connection was never told CAUGHT_UP", f.name)
	}
	return len(want)
}

// hasAll waits until followers were told of all that the log has up to an event.
func hasAll(t *testing.T, followers []*follower, logs map[*follower][]entry, upTo int64) {
	t.Helper()
	waitAll(t, followers, "the last event", func(f *follower) bool {
		log := logs[f]
		for i := len(log) - 1; i >= 0; i-- {
			if log[i].ID <= upTo {
				return f.live && f.last >= log[i].ID
			}
		}
		return f.live
	})
}
