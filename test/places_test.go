package test_test

import (
	"testing"

	"redline"
)

// Whoever renames a place, in whatever way, the gateways show the new name once
// they have told of anything that was changed later; and nobody is told of it.
func TestPlacesChangedByHandAreShown(t *testing.T) {
	t.Parallel()
	first := start(t, ownDir(t))
	second := start(t, ownDir(t), "--dev", "--database-url", first.databaseURL())
	db := first.database(t)
	token := operatorToken(t)
	gateways := map[string]*server{"the first gateway": first, "the second gateway": second}
	sockets := map[*server]*socket{}
	writer := first.as(token)
	subscribed := map[*socket][]string{}
	for _, s := range gateways {
		w := s.socket(t, token)
		w.subscribe("1", `subscription { inventoryChanged { cursor kind level { location { name } } } }`, nil)
		sockets[s], subscribed[w] = w, []string{"1"}
	}
	await(t, subscribed)

	rename := func(name string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), `UPDATE locations SET name = $1 WHERE code = $2`, name, east); err != nil {
			t.Fatal(err)
		}
	}
	adjust := func() string { return writer.adjust(t, filterSKU, east, "ON_HAND", 1).text("cursor") }
	shown := func(name string, cursors ...string) {
		t.Helper()
		for who, s := range gateways {
			var e any
			for _, cursor := range cursors {
				if e = sockets[s].event("1"); text(e, "cursor") != cursor {
					t.Errorf("%s tells of %v, not of %s", who, e, cursor)
				}
			}
			if got := text(e, "level.location.name"); got != name {
				t.Errorf("%s tells of the place %q, not %q", who, got, name)
			}
			a := s.as(token).ask(t, `{ locations { code name } }`, nil)
			for _, l := range a.list("locations") {
				if got := text(l, "name"); text(l, "code") == east && got != name {
					t.Errorf("%s shows the place %q, not %q", who, got, name)
				}
			}
		}
	}
	rename("Elsewhere")
	shown("Elsewhere", adjust())

	// While a look waits for somebody who is writing, a place changes.
	tx, err := db.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), `LOCK TABLE events IN ROW EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	before := adjust()
	rename("Farther")
	after := adjust()
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	shown("Farther", before, after)

	// A place changes that is not in anybody's way, and then its supplier.
	for _, statement := range []string{
		`UPDATE suppliers SET name = 'Another ' || name`,
		`UPDATE suppliers SET last_seen_at = now()`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	var told int
	if err := db.GetContext(t.Context(), &told, `SELECT count(*) FROM events WHERE type = $1 AND subject_id = 'suppliers' AND id > $2`,
		redline.EventPlaces, position(t, after)); err != nil {
		t.Fatal(err)
	}
	if told != 1 {
		t.Errorf("the log tells of %d changes of suppliers, not of 1", told)
	}
	shown("Farther", adjust())
}
