package graph

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"redline"
	"redline/graph/model"
)

// What one page of events may cost: so many reads of the log, and so many events
// in each. The store bounds what a read looks at, and the bytes in it.
const (
	eventReads   = 8
	eventsInRead = 500
)

// eventType is one of the types in which Query.events tells events.
type eventType struct {
	name model.EventType
	// as is the subscription that tells the same, to those who have its scopes.
	as string
	// unless is another subscription: whoever has its scopes is told this type
	// only where it is named.
	unless string
	voice  func(redline.Principal) voice
}

// eventTypes are all of them, in the order in which one event is told as several.
var eventTypes = []eventType{
	{model.EventTypeAvailability, "availabilityChanged", "inventoryChanged", func(redline.Principal) voice {
		return voiceOf(availabilityTeller(&levelFilter{}))
	}},
	{model.EventTypeInventory, "inventoryChanged", "", func(p redline.Principal) voice { return voiceOf(inventoryTeller(p, &levelFilter{})) }},
	{model.EventTypeOrder, "orderChanged", "", func(p redline.Principal) voice { return voiceOf(orderTeller(p, &orderFilter{})) }},
	{model.EventTypeConflict, "conflictChanged", "", func(p redline.Principal) voice { return voiceOf(conflictTeller(p)) }},
}

// voice is a teller, of whatever it tells.
type voice struct {
	// logged is the type of its events in the log.
	logged string
	wants  func(*redline.Event) bool
	tell   func(redline.Telling) model.Event
}

func voiceOf[T any, E interface {
	*T
	model.Event
}](t teller[T]) voice {
	return voice{t.query.Type, t.query.Wants, func(what redline.Telling) model.Event { return E(t.tell(what)) }}
}

// tells reports whether an event is told. One that can't be read has no type.
func (v voice) tells(e *redline.Event) bool { return e.Type() == v.logged && v.wants(e) }

// Events is what subscriptions tell, out of the log.
func (q query) Events(ctx context.Context, after *string, first *int, types []model.EventType) (*model.EventPage, error) {
	voices, err := q.voices(ctx, types)
	if err != nil {
		return nil, err
	}
	n := 50
	if first != nil {
		n = *first
	}
	if n < 1 || n > redline.PageMax {
		return nil, redline.Invalid([]string{"first"}, "a page is from 1 to %d long, not %d", redline.PageMax, n)
	}
	head := answerFrom(ctx).head
	epoch, err := q.epoch()
	if err != nil {
		return nil, err
	}
	r := &eventReading{voices: voices, first: n, head: head, epoch: epoch}
	if after == nil {
		err = q.readOldest(ctx, r)
	} else if err = q.beginAfter(ctx, r, *after); err == nil {
		err = r.read(ctx, q.store)
	}
	if err != nil {
		return nil, err
	}
	// The head only rises in one log. Where this is another one by now, nobody knows
	// of which log what was read is.
	if now, err := q.epoch(); err != nil || now != epoch || q.live.Head() < head {
		return nil, redline.CursorExpired()
	}
	return r.page(), q.loadEvents(ctx, r)
}

// voices are those of the types that were named, or that are told where none were.
func (q query) voices(ctx context.Context, named []model.EventType) ([]voice, error) {
	p, open := redline.PrincipalFrom(ctx), answerFrom(ctx).open
	needs := q.contract.types[q.contract.schema.Subscription.Name].needs
	var voices []voice
	for _, t := range eventTypes {
		lacking := needs[t.as] &^ open
		switch {
		case named != nil && !slices.Contains(named, t.name):
			continue
		case named != nil && lacking != 0:
			return nil, refuse(p, q.contract.lacking(lacking))
		case named == nil && (lacking != 0 || t.unless != "" && needs[t.unless]&^open == 0):
			continue
		}
		voices = append(voices, t.voice(p))
	}
	return voices, nil
}

// epoch is that of the log that this node follows.
func (q query) epoch() (uint32, error) {
	c, err := redline.ParseCursor(q.live.Cursor(0))
	if err != nil {
		return 0, fmt.Errorf("reading which event log this is: %w", err)
	}
	if c.Epoch == 0 && q.live.Head() == 0 {
		unknown := redline.Errorf(redline.CodeUnavailable, nil, "the gateway is starting: come back in a moment")
		unknown.RetryAfter = time.Second
		return 0, unknown
	}
	return c.Epoch, nil
}

// beginAfter has a reading begin behind a cursor.
func (q query) beginAfter(ctx context.Context, r *eventReading, after string) error {
	c, err := redline.ParseCursor(after)
	if known, ok := errors.AsType[*redline.Error](err); ok {
		return known.At("after")
	}
	switch {
	case c.InSnapshot:
		return redline.Invalid([]string{"after"}, "this cursor is from within a snapshot that wasn't complete: only its subscription can begin that again")
	case c.Epoch != r.epoch:
		return redline.CursorExpired()
	}
	if c.ID >= r.head {
		// Nothing is read, which would tell. What was dropped may reach further than the
		// log was followed yet.
		floor, err := q.store.LogFloor(ctx)
		if err != nil {
			return err
		}
		if c.ID < floor {
			return redline.CursorExpired()
		}
	}
	if c.ID > r.head {
		// Of a node that is ahead of this one, or of an event that was lost or never was.
		issued, err := q.store.LastIssued(ctx)
		if err != nil {
			return err
		}
		if c.ID > issued {
			return redline.CursorExpired()
		}
	}
	r.begin(c.ID)
	return nil
}

// readOldest reads from where the log begins, and once more where that was dropped
// in the meantime.
func (q query) readOldest(ctx context.Context, r *eventReading) error {
	for again := true; ; again = false {
		floor, err := q.store.LogFloor(ctx)
		if err != nil {
			return err
		}
		r.begin(floor)
		if err = r.read(ctx, q.store); !again || !redline.HasCode(err, redline.CodeCursorExpired) {
			return err
		}
	}
}

// loadEvents fills what is asked of events: of those of one type together, as a
// subscription does, for which an event's own content is enough for what it tells
// of, and for nothing else.
func (q query) loadEvents(ctx context.Context, r *eventReading) error {
	if err := loadItems(ctx, q.preloader(ctx), 1, []model.Event(nil)); err != nil {
		return err
	}
	for _, told := range r.told {
		p := q.preloader(ctx)
		p.events = told.events
		if err := loadItems(ctx, p, 0, told.nodes); err != nil {
			return err
		}
	}
	return nil
}

// eventReading is the reading of one page of events.
type eventReading struct {
	voices []voice
	first  int
	// head is the position up to which it reads, of a log of this epoch.
	head  int64
	epoch uint32

	// after is where it began, and reached how far it has read.
	after, reached int64
	// at is where the next page begins. It is the id of an event that was visible.
	at    int64
	nodes []model.Event
	// told has what each of the voices told, and of which events.
	told []toldEvents
}

type toldEvents struct {
	events []*redline.Event
	nodes  []model.Event
}

func (r *eventReading) begin(after int64) {
	r.after, r.reached, r.at, r.nodes = after, after, after, nil
	r.told = make([]toldEvents, len(r.voices))
}

// read reads until the page is full, the log at its end, or the work enough.
func (r *eventReading) read(ctx context.Context, s Store) error {
	types := make([]string, len(r.voices))
	for i, v := range r.voices {
		types[i] = v.logged
	}
	types = distinct(types)
	limit := r.first + 1 // which is enough for those who see everything
	for range eventReads {
		if r.reached >= r.head || len(r.nodes) >= r.first {
			break
		}
		batch, err := s.EventsBetween(ctx, r.reached, r.head, types, limit)
		if redline.HasCode(err, redline.CodeCursorExpired) {
			return redline.CursorExpired()
		}
		if err != nil {
			return err
		}
		if batch.Epoch != 0 && batch.Epoch != r.epoch { // which this node's follower will find out, too
			return redline.CursorExpired()
		}
		for _, e := range batch.Events {
			if !r.take(e) {
				return nil
			}
			r.at, r.reached = e.ID, e.ID
		}
		r.at, r.reached = max(r.at, batch.Newest), batch.UpTo
		limit = eventsInRead
	}
	switch {
	case r.reached >= r.head:
		r.at = max(r.at, r.head)
	case r.at == r.after:
		// Nothing but ids that no event has, for longer than one call looks. The head is
		// an event that was visible: none of the ids before it is given out again.
		r.at = r.reached
	}
	return nil
}

// take adds an event to the page, as each voice tells it; false where it has no
// room for that.
func (r *eventReading) take(e *redline.Event) bool {
	var room [4]int
	told := room[:0] // the places of the voices that tell it
	for i, v := range r.voices {
		if v.tells(e) {
			told = append(told, i)
		}
	}
	if len(told) > 0 && len(r.nodes) > 0 && len(r.nodes)+len(told) > r.first {
		return false
	}
	what := redline.Telling{Event: e, Cursor: r.cursor(e.ID)}
	for _, i := range told {
		node, by := r.voices[i].tell(what), &r.told[i]
		r.nodes = append(r.nodes, node)
		by.nodes, by.events = append(by.nodes, node), append(by.events, e)
	}
	return true
}

func (r *eventReading) cursor(id int64) string {
	return redline.Cursor{Epoch: r.epoch, ID: id}.String()
}

// page is what was read.
func (r *eventReading) page() *model.EventPage {
	return &model.EventPage{Nodes: r.nodes, Cursor: r.cursor(r.at), HasMore: r.reached < r.head}
}
