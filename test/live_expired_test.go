package test_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"redline"
)

// What is older than the log is kept is dropped: who comes back with a cursor from
// before is told so, by whatever it comes, and never a part of what it missed. Who
// has a younger one, or is following, notices nothing. In `make live-chaos` the
// gateway's own job drops it, which looks once a minute.
func TestLiveCursorExpires(t *testing.T) {
	t.Parallel()
	const sku, location = "BRK-PAD-1037", "WH-EAST"
	s := start(t, ownDir(t), "--keep-events", "1h")
	db := s.database(t)
	operator := s.as(operatorToken(t))
	filter := vars{"filter": vars{"skus": []any{sku}}}
	change := func() string { return operator.adjust(t, sku, location, "ON_HAND", 1).text("cursor") }
	addr := func(int) string { return s.addr }

	always := &follower{name: "always there", token: operator.token, query: liveLevels, variables: filter, whole: true, addr: addr}
	follow(t, always)
	areLive(t, []*follower{always})
	head := operator.ask(t, `{ eventHead }`, nil).text("eventHead")
	missed, last := change(), change()
	// The ids go on where the partitions end that there are, so that the first of
	// them, with all those events, has none left to give.
	for _, statement := range []string{
		`SELECT setval('events_id', (SELECT max(ends) + 1000 FROM event_partitions))`,
		`UPDATE events SET at = at - interval '2 hours'`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	young := []string{change(), change(), change()}
	if os.Getenv("LIVE_CHAOS") == "" {
		if _, err := db.ExecContext(t.Context(), `SELECT drop_event_partitions('1 hour')`); err != nil {
			t.Fatal(err)
		}
	}
	var floor int64
	ctx, cancel := context.WithTimeout(t.Context(), livePatience)
	defer cancel()
	for floor == 0 {
		if err := db.GetContext(ctx, &floor, `SELECT floor FROM event_log`); err != nil {
			t.Fatalf("nothing was dropped within %s: %v", livePatience, err)
		}
		pausing(ctx, time.Second/10)
	}
	if want := position(t, last); floor != want {
		t.Errorf("the log begins behind %d; the last of the old events is %d", floor, want)
	}

	// By a websocket, which goes on for what else is on it.
	w := s.socket(t, operator.token)
	w.subscribe("live", liveLevels, mergeVars(filter, vars{"snapshot": false}))
	await(t, map[*socket][]string{w: {"live"}})
	otherLog, err := redline.ParseCursor(young[2])
	if err != nil {
		t.Fatal(err)
	}
	otherLog.Epoch++
	for name, cursor := range map[string]string{"before all": head, "before the last": missed, "of another log": otherLog.String()} {
		w.subscribe(name, liveLevels, mergeVars(filter, vars{"after": cursor, "snapshot": false}))
		m := w.next(name)
		var errs []graphqlError
		if err := json.Unmarshal(m.Payload, &errs); err != nil || m.Type != "error" || len(errs) != 1 ||
			errs[0].Extensions.Code != string(redline.CodeCursorExpired) || !slices.Equal(errs[0].Extensions.Field, []string{"after"}) {
			t.Errorf("%s: it is answered with %s %s (%v)", name, m.Type, m.Payload, err)
		}
	}
	// By server-sent events, whatever `after` says: the stream is told, and ends.
	stream := &follower{name: "a stream", token: operator.token, query: liveLevels, variables: filter, stream: true, addr: addr, cursor: missed}
	follow(t, stream)
	err = stream.waits(livePatience, "being refused", func() bool { return false })
	if err == nil || !strings.Contains(err.Error(), string(redline.CodeCursorExpired)) {
		t.Errorf("the stream is told: %v", err)
	}
	// And a watch says so, and goes on from now.
	watching := watch(t, s.addr, operator.token, "stock", "--sku", sku, "--after="+missed)
	watching.says(t, "was missed; going on from now", 1)
	watching.says(t, "watching stock", 1)
	if lines, _ := watching.out.lines(); len(lines) > 0 {
		t.Errorf("it prints %q of what it can't know whole", lines)
	}

	// From the floor on the log is whole, and whoever loads anew has all there is.
	resumed := &follower{name: "from the floor", token: operator.token, query: liveLevels, variables: filter, whole: true, addr: addr, cursor: last}
	resumed.begun, resumed.first, resumed.last = true, position(t, last), position(t, last)
	anew := &follower{name: "anew", token: operator.token, query: liveLevels, variables: filter, whole: true, snapshot: true, addr: addr}
	follow(t, resumed, anew)
	areLive(t, []*follower{resumed, anew})
	newest := position(t, change())
	followers := []*follower{always, resumed, anew}
	waitAll(t, followers, "the last event", func(f *follower) bool { return f.last >= newest })
	log := readLog(t, db, "level.changed", "{level,version}", `SELECT p->>'sku' = $1, false`, sku)
	for i, f := range followers[1:] {
		if n := f.check(t, log, newest); n != []int{4, 1}[i] {
			t.Errorf("%s was told of %d events", f.name, n)
		}
	}
	// What this one was told first is in the log no more.
	if ids := idsOf(always.tale); len(ids) != 6 || ids[0] != position(t, missed) || !slices.Equal(ids[2:], idsOf(log)) {
		t.Errorf("who was there all the time was told of %v; the log has %v by now", ids, idsOf(log))
	}
	if e := w.event("live"); position(t, text(e, "cursor")) != newest {
		t.Errorf("beside those that were refused it is told of %v", e)
	}
	watching.prints(t, 1)
	watching.interrupt(t)
	if help := run(t, nil, "serve", "--help").out; !strings.Contains(help, "--keep-events") {
		t.Error("serve --help says nothing of --keep-events")
	}
}

func idsOf(entries []entry) (ids []int64) {
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}
