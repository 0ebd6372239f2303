package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"go.opentelemetry.io/otel/trace"

	"redline"
)

const (
	// mutationTimeout bounds one try of a transaction, COMMIT and all.
	mutationTimeout = 30 * time.Second
	// mutationTries is how often a transaction that lost to another is run, and
	// batchTries how often one that several calls share is, before each of them
	// is run alone.
	mutationTries, batchTries = 8, 3
	// batchHurry is the part of the patience for locks that a transaction of
	// several calls has: one row that somebody holds keeps the others waiting.
	batchHurry = 12
	// retryAfter is when to ask again for what is being worked on.
	retryAfter = 100 * time.Millisecond
)

// request is what a mutation was asked for.
type request struct {
	action string
	// key makes the call idempotent; nil where the caller gave none.
	key *string
	// input is what the key is bound to.
	input any
	// subject is the id that a refusal's audit entry names, if there is one.
	subject string
}

// call is one caller's change, and what came of it. Several calls may share a
// transaction; nothing of one is told to another.
type call struct {
	request
	by        redline.Principal
	requestID string
	// span is the caller's, and trace its traceparent where it is recorded.
	span  trace.SpanContext
	trace string
	hash  []byte
	// answered tells whoever waits that it is known what came of it, where it was
	// gathered with others; else it is nil.
	answered func()

	// settled: what came of it doesn't depend on what becomes of the transaction.
	settled bool
	// replay is what the key kept of the call that used it first.
	replay []byte
	// result is what the key keeps, shows what is shown of it to the caller who
	// did it just now, and eventID the newest event.
	result  any
	shows   any
	eventID int64
	// err is why nothing was done; audited says that the audit was told.
	err     error
	audited bool
}

func newCall(ctx context.Context, p redline.Principal, r request) *call {
	span := trace.SpanContextFromContext(ctx)
	return &call{
		request: r, by: p, requestID: redline.RequestIDFrom(ctx), span: span, trace: traceparent(span), hash: inputHash(r.input),
	}
}

// listen has calls of a batch tell when each is done.
func listen(calls []*call, answered func(i int)) {
	for i, c := range calls {
		c.answered = func() { answered(i) }
	}
}

// reset forgets what came of an earlier try.
func (c *call) reset() {
	*c = call{request: c.request, by: c.by, requestID: c.requestID, span: c.span, trace: c.trace, hash: c.hash, answered: c.answered}
}

// transaction is one under way, with the changes that share it: what they do
// to rows is written as it goes or gathered, what they tell is gathered, in
// order, and both are written at its end.
type transaction struct {
	store *Store
	tx    *sqlx.Tx
	// now is the database's clock, read after the newest locks.
	now    time.Time
	stock  stockWrites
	events []eventRow
	// rules did what follows by rule from the changes: see byRule.
	rules []*mutation
	// dry says that all of it is done and nothing kept.
	dry bool
	// places are those that it goes by; nil as long as it asked for none.
	places *places
	// made are locations that the transaction itself has made.
	made map[string]*place
	// fresh are the suppliers of whose stock levels became fresh, or were made so, and
	// as of when the oldest of those is true.
	fresh map[string]time.Time
	// givesBack says that it decides on nothing that is available: reservations that
	// are due on its levels need not be released before.
	givesBack bool
	// held are the reservations that are due and count as held all the same.
	held *lapsed
}

// mutation is one call's change in a transaction.
type mutation struct {
	*transaction
	*call
	// n is its place among those that share the transaction.
	n int
	// subjects are what the audit names of the change, and skipped why rows of
	// it were left out.
	subjects []string
	skipped  redline.Errors
	// heard is the code of a supplier that has told us something by this.
	heard string
	// answers are calls that were refused before and that it has done now, with
	// keys that it has taken: who makes one again is told of what came of it.
	answers []*call
	// steps are what it has to say of conflicts. What came of them is known once
	// everything else is written, and then whenOpened, where it isn't nil, is
	// called, before result is kept: opened are the conflicts that it opened or
	// told of again, as they are then; news are the ids of those of them that
	// changed, and ended of those that were closed by rule.
	steps       []conflictStep
	opened      []*redline.Conflict
	news, ended []string
	whenOpened  func()
}

// refuse says why nothing is done for the caller, who has left no trace in the
// transaction.
func (m *mutation) refuse(err error) { m.err = err }

// work makes the changes of a transaction, and leaves in each what came of it.
// An error ends the transaction, for all.
type work func(ctx context.Context, t *transaction, all []*mutation) error

// mutate runs a change in a transaction of its own and answers what work came
// to; or, where the key was used before, what it came to then. A refusal rolls
// everything back and leaves an audit entry. A client that goes away stops
// nothing: what was begun is finished, and found again by its key.
func mutate[T any](
	ctx context.Context, s *Store, p redline.Principal, r request, change func(context.Context, *mutation) (T, error),
) (T, redline.Outcome, error) {
	c := newCall(ctx, p, r)
	s.settle(ctx, []*call{c}, 0, func(ctx context.Context, _ *transaction, all []*mutation) error {
		result, err := change(ctx, all[0])
		all[0].result = result
		return err
	})
	return outcomeOf[T](ctx, s, c)
}

// outcomeOf tells the caller what came of its call, and the audit of a refusal.
func outcomeOf[T any](ctx context.Context, s *Store, c *call) (T, redline.Outcome, error) {
	var none T
	switch {
	case c.err != nil:
		if short(c.err) {
			s.observer.Short(c.action)
		}
		if refused := refusalsOf(c.err); refused != nil && !c.audited {
			s.auditRefusal(ctx, c.by, c.action, c.subject, refused)
		}
		return none, redline.Outcome{}, c.err
	case c.replay != nil:
		var kept struct {
			Result  T     `json:"result"`
			EventID int64 `json:"eventId"`
		}
		if err := json.Unmarshal(c.replay, &kept); err != nil {
			return none, redline.Outcome{}, fmt.Errorf("reading the outcome of an idempotency key: %w", err)
		}
		s.observer.Replayed(c.action)
		return kept.Result, redline.Outcome{Replayed: true, EventID: kept.EventID}, nil
	}
	return c.result.(T), redline.Outcome{EventID: c.eventID}, nil
}

// short reports whether a want of stock is among the reasons of a refusal.
func short(err error) bool {
	return slices.ContainsFunc(refusalsOf(err), func(e *redline.Error) bool { return e.Code == redline.CodeInsufficientStock })
}

// refusalsOf are the reasons why a call was refused, which the audit is told;
// nil of faults, and of what is to be tried again.
func refusalsOf(err error) redline.Errors {
	var one *redline.Error
	var many redline.Errors
	switch {
	case errors.As(err, &many):
	case errors.As(err, &one):
		many = redline.Errors{one}
	default:
		return nil
	}
	switch many[0].Code {
	case redline.CodeUnavailable, redline.CodeOutcomeUnknown, redline.CodeIdempotencyInProgress:
		return nil
	}
	return many
}

// settle runs calls in one transaction until it is known what came of each. A
// transaction that lost to another is run again. Where several share one that
// fails, each is run alone, so that who made it fail fails alone, and answered
// at once; hurry, where it isn't 0, is then how long each may wait for a lock.
func (s *Store) settle(ctx context.Context, calls []*call, hurry time.Duration, do work) {
	tries := mutationTries
	if len(calls) > 1 {
		tries, hurry = batchTries, s.patience/batchHurry
	}
	held := &lapsed{}
	err := s.transact(ctx, calls, hurry, held, do)
	for try := 1; err != nil && try < tries && passing(err); try++ {
		headway, failed := s.makeWay(ctx, err, try, held)
		if failed != nil {
			err = failed
			break
		}
		if headway {
			try--
		}
		err = s.transact(ctx, calls, hurry, held, do)
	}
	switch {
	case err == nil:
		return
	case len(calls) > 1 && !hopeless(err):
		hurry = 0
		if waited(err) {
			hurry = max(s.patience/time.Duration(len(calls)), time.Millisecond)
		}
		for i, c := range calls {
			s.settle(ctx, calls[i:i+1], hurry, do)
			if c.answered != nil {
				c.answered()
			}
		}
		return
	case passing(err):
		err = errBusy.Because(err)
	}
	for _, c := range calls {
		if !c.settled {
			c.err = err
		}
	}
}

// makeWay does what there is to do before a transaction that ended so is run
// again: it gives way to others, or releases the reservations that it found due;
// then there is headway, of which there is an end. It fails with why the
// transaction can't be run again.
func (s *Store) makeWay(ctx context.Context, ended error, try int, held *lapsed) (headway bool, err error) {
	var due *errDue
	switch {
	case errors.As(ended, &due):
		return s.release(ctx, due.reservations, held)
	case errors.Is(ended, errMoved): // overtaken by a look at the rows, it has nobody to give way to
	case pause(ctx, time.Duration(rand.IntN(10*try)+1)*time.Millisecond) != nil:
		return false, ended
	}
	return false, nil
}

// hopeless reports whether what ended a transaction would end the next as well,
// or whether nobody can say what became of it.
func hopeless(err error) bool {
	return redline.HasCode(err, redline.CodeOutcomeUnknown, redline.CodeUnavailable) && !waited(err)
}

// errBusy is what a change comes to that found no connection, or lost to others
// each time.
var errBusy = &redline.Error{
	Code: redline.CodeUnavailable, RetryAfter: retryAfter,
	Message: "too much else is being changed; nothing was changed now; try again shortly",
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// transact tries calls in one transaction. Those whose key was used before, or
// is at work, are settled by that; the others are for work to do.
func (s *Store) transact(ctx context.Context, calls []*call, hurry time.Duration, held *lapsed, do work) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("a panic in a transaction: %v\n%s", v, debug.Stack())
		}
	}()
	// Neither a work nor a COMMIT half done is cut off by a client that goes away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mutationTimeout)
	defer cancel()
	for _, c := range calls {
		c.reset()
	}
	ctx, end := s.traced(ctx, calls)
	defer func() { end(err) }()
	tx, release, err := s.begin(ctx, calls[0].answered != nil)
	if err != nil {
		return err
	}
	defer release()
	mine, err := claimKeys(ctx, tx, calls, hurry)
	if err != nil || len(mine) == 0 {
		return err
	}
	t := &transaction{store: s, tx: tx, held: held}
	all := make([]*mutation, len(mine))
	for i, c := range mine {
		all[i] = &mutation{transaction: t, call: c, n: i}
	}
	if err := do(ctx, t, all); err != nil {
		return err
	}
	if wrote, err := t.finish(ctx, all); err != nil || !wrote {
		return err
	}
	if t.dry {
		for _, c := range mine {
			c.settled, c.eventID = true, 0 // nobody will see that event
		}
		return nil
	}
	if err := tx.Commit(); err != nil {
		return commitError(err)
	}
	for _, c := range mine {
		c.settled = true
	}
	s.committed()
	return nil
}

// commitError says what an error from COMMIT means. Where Postgres itself
// refused to commit, nothing happened. Anything else means that we can't know.
func commitError(err error) error {
	err = fmt.Errorf("committing: %w", err)
	var pe *pq.Error
	if errors.As(err, &pe) && (pe.Code.Class() == "40" || pe.Code.Class() == "23") {
		return err
	}
	unknown := &redline.Error{
		Code: redline.CodeOutcomeUnknown, RetryAfter: time.Second,
		Message: "the connection was lost while the change was being committed; call again with the same idempotencyKey to learn what became of it",
	}
	return unknown.Because(err)
}
