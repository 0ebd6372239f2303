package live

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
)

// codeTooManyOperations is the code of the error for an operation beyond
// MaxOperations.
const codeTooManyOperations redline.ErrorCode = "TOO_MANY_OPERATIONS"

// stage is how far an operation has come.
type stage uint8

const (
	stageRead    stage = iota // it may still be refused, and has done nothing
	stageRunning              // a query or a mutation: it is let finish
	stageStream               // a subscription
)

// operation is one query, mutation or subscription of a client. A subscription
// that is live has no goroutine and no context: it is a member of its group.
type operation struct {
	client *client
	// id as the client chose it, as JSON.
	id string
	// principal is whom it runs for.
	principal *redline.Principal

	// The client's mu guards these.

	stage stage
	// over says that it has ended: nobody is told anything of it any more.
	over bool
	// live says that all that was missed is in the outbox, so that what the group
	// tells may follow; until then that is held.
	live bool
	// latest says that of the answers that wait the newest of each subject will do.
	latest bool
	// muted says that its client's rights have changed, and that it tells nothing
	// until it has begun again with them.
	muted bool
	// said says that it was told CAUGHT_UP.
	said bool
	// log is the one that it is told.
	log logID
	// inState says that it is being told a snapshot, from within which nobody can
	// go on.
	inState   bool
	heldBytes int
	held      []*answer
	// last is the position up to which everything is in the outbox, or was before.
	last int64
	// dropped is the position before the first answer that the outbox had no room
	// for, nowhere while there is none.
	dropped int64
	// waiting are the numbers in the outbox of the answers that wait, by subject;
	// only where latest will do.
	waiting map[string]uint64
	// cancel ends what it is about, nil once it is live.
	cancel context.CancelCauseFunc
	group  *group

	// The group's mu guards these: the position behind which it is told, and its
	// place among the members.

	after int64
	place int
}

// newOperation makes an operation of the client's present principal, and a
// context for what it is about to do. The caller holds the client's mu.
func (c *client) newOperation(id string) (*operation, context.Context) {
	op := &operation{
		client: c, id: id, principal: c.principal, place: gone, dropped: nowhere, last: c.broker.Head(),
	}
	ctx, cancel := context.WithCancelCause(c.context(op.principal))
	op.cancel = cancel
	return op, ctx
}

// idJSON writes an id as JSON.
func idJSON(id string) string {
	b, err := json.Marshal(id)
	if err != nil {
		panic(err) // encoding/json writes every string
	}
	return string(b)
}

// run is the operation's goroutine: until it is answered or refused, and for a
// subscription until it is live.
func (op *operation) run(ctx context.Context, params *graphql.RawParams, timeout time.Duration) {
	defer op.client.work.Done()
	defer op.survive(ctx)
	x, refused := prepare(ctx, op.client.exec, params, op.client.broker.options.Logger)
	switch {
	case refused != nil:
		op.finish(refused)
	case x.live():
		op.attend(ctx, x)
	default:
		op.answerOnce(x, timeout)
	}
}

// answerOnce answers a query or a mutation.
func (op *operation) answerOnce(x *execution, timeout time.Duration) {
	if err := op.enter(stageRunning, coming{}); err != nil {
		op.refuse(err)
		return
	}
	ctx, cancel := context.WithTimeout(x.ctx, timeout)
	defer cancel()
	responses, ctx := x.exec.DispatchOperation(graphql.WithOperationContext(ctx, x.operation), x.operation)
	response := responses(ctx)
	switch {
	case response == nil:
		op.refuse(redline.Errorf(redline.CodeUnavailable, nil, "the operation was not begun in time"))
		return
	case response.Data == nil && len(response.Errors) > 0:
		// Refused before it was executed, by an interceptor. An execution's data is
		// null at least.
		op.finish(response.Errors)
		return
	}
	payload, err := json.Marshal(response)
	if err != nil {
		op.refuse(err)
		return
	}
	c := op.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if !op.over && c.sendLocked(message{kind: kindNext, op: op, answer: &answer{payload: payload, before: nowhere}}) {
		op.finishLocked(message{kind: kindComplete, op: op, answer: &answer{before: nowhere}})
	}
}

// attend makes a subscription live.
func (op *operation) attend(ctx context.Context, x *execution) {
	if refused := x.dispatch(); refused != nil {
		op.finish(refused)
		return
	}
	comes, err := op.comes(x.query)
	if err == nil {
		err = op.enter(stageStream, comes)
	}
	if err != nil {
		op.refuse(err)
		return
	}
	begin := func() (*catchUp, error) { return op.client.broker.catchUp(ctx, op, x, comes) }
	if comes.fresh() {
		op.follow(ctx, begin)
		return
	}
	op.catchUp(ctx, begin)
}

// coming is how a subscription comes in.
type coming struct {
	// after is the position that its client gives; nil where it gives none.
	after *redline.Cursor
	// snapshot says that what there is is to be told first.
	snapshot bool
	// latest says that of the answers that wait the newest of each subject will do.
	latest bool
}

// fresh says that it begins with the next change.
func (c coming) fresh() bool { return c.after == nil && !c.snapshot }

// comes says how a subscription comes in: by what its stream's client brings along,
// or by what it asks for itself.
func (op *operation) comes(q *redline.LiveQuery) (coming, error) {
	given := q.After
	if op.client.resume != nil {
		given = op.client.resume
	}
	if given == nil {
		return coming{snapshot: q.Snapshot, latest: q.Latest}, nil
	}
	at, err := redline.ParseCursor(*given)
	if known, ok := errors.AsType[*redline.Error](err); ok {
		return coming{}, known.At("after")
	}
	return coming{after: &at, snapshot: at.InSnapshot, latest: q.Latest}, err
}

// enter notes what the operation is, and how it comes in. It may not run where
// somebody has ended it meanwhile, nor a query or a mutation where its client's
// rights have changed.
func (op *operation) enter(as stage, from coming) error {
	c := op.client
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closing || op.over:
		return errEnded
	case as == stageRunning && op.muted:
		return errRights
	}
	op.stage, op.inState, op.latest = as, from.snapshot, from.latest
	if from.after != nil && from.after.Epoch == c.broker.logID().epoch() {
		op.last = from.after.ID
	}
	c.drained()
	return nil
}

// begins says from where the operation is told, of which log, and whether that
// begins with a snapshot.
func (op *operation) begins(from int64, log logID, inState bool) {
	op.client.mu.Lock()
	defer op.client.mu.Unlock()
	op.last, op.log, op.inState = from, log, inState
}

func (op *operation) wasSaid() bool {
	op.client.mu.Lock()
	defer op.client.mu.Unlock()
	return op.said
}

// passed says that up to a position there is nothing that isn't in the outbox.
func (op *operation) passed(position int64) {
	op.client.mu.Lock()
	defer op.client.mu.Unlock()
	op.last = max(op.last, position)
}

// joined says that the operation is about to be a member of a group. It reports
// false where it has ended.
func (op *operation) joined(g *group) bool {
	op.client.mu.Lock()
	defer op.client.mu.Unlock()
	if op.over || op.client.closing {
		return false
	}
	op.group = g
	return true
}

// goLive says that everything up to a position is in the outbox: what the group
// has told since follows, and from now on all that it tells.
func (op *operation) goLive(position int64) error {
	c := op.client
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case op.over || c.closing:
		return errEnded
	case op.muted:
		return errMuted
	}
	op.last, op.live, op.inState = max(op.last, position), true, false
	held := op.held
	op.held, op.heldBytes = nil, 0
	for _, a := range held {
		if !c.takeLocked(op, a) {
			return errEnded
		}
	}
	op.stop()
	return nil
}

// position is the id of the event from which the operation can resume, given the
// broker's head as it was before the call, nowhere where it never has to, and
// whether it has to begin again. The caller holds the client's mu.
func (op *operation) position(head int64) (id int64, again bool) {
	switch {
	case op.stage == stageRead:
		return head, true // nobody knows yet from where it comes
	case op.stage == stageRunning:
		return nowhere, false
	case !op.live:
		return min(op.last, op.dropped), op.inState
	}
	return min(max(op.last, min(head, op.group.behind.Load())), op.dropped), false
}

// finish ends the operation with its errors, and frees its id in the same moment: a
// client that has the message may use the id again. Where somebody
// else ended it before, it does nothing.
func (op *operation) finish(list gqlerror.List) {
	c := op.client
	c.mu.Lock()
	defer op.leave()
	defer c.mu.Unlock()
	if !op.over {
		op.finishLocked(message{kind: kindError, op: op, answer: &answer{payload: encodeErrors(list), before: nowhere}})
	}
}

func (op *operation) finishLocked(last message) {
	op.client.sendLocked(last)
	op.silence()
}

// refuse ends the operation with an error, as the executor shows it; a list of the
// executor's own is shown already. That it has ended already, or its client, is
// nothing to tell anybody.
func (op *operation) refuse(err error) {
	if errors.Is(err, errEnded) || errors.Is(err, context.Canceled) {
		op.finishQuietly()
		return
	}
	list, shown := errors.AsType[gqlerror.List](err)
	if !shown {
		list = present(op.client.context(op.client.present()), op.client.exec, nil, refusal(err), op.client.broker.options.Logger)
	}
	op.finish(list)
}

func (op *operation) finishQuietly() {
	op.client.mu.Lock()
	op.silence()
	op.client.mu.Unlock()
	op.leave()
}

// silence ends the operation without a word. The caller holds the client's mu,
// and has the operation leave its group once it doesn't any more.
func (op *operation) silence() {
	c := op.client
	if op.over {
		return
	}
	op.over = true
	op.held = nil
	op.stop()
	c.operations = slices.DeleteFunc(c.operations, func(other *operation) bool { return other == op })
	if len(c.operations) == 0 {
		c.operations = nil
	}
	c.drained()
}

// stop ends what the operation is about to do.
func (op *operation) stop() {
	if op.cancel != nil {
		op.cancel(errEnded)
		op.cancel = nil
	}
}

// leave takes an operation that has ended out of its group. The caller must not
// hold the client's mu.
func (op *operation) leave() {
	op.client.mu.Lock()
	g := op.group
	op.client.mu.Unlock()
	if g != nil {
		op.client.broker.leave(op, g)
	}
}

// survive is deferred by an operation's goroutine: a panic in it ends the operation
// with an error, and nothing else.
func (op *operation) survive(ctx context.Context) {
	if r := recover(); r != nil {
		logPanic(ctx, op.client.broker.options.Logger, "panic in an operation", r)
		op.refuse(errPanicked)
	}
}

func (op *operation) isMuted() bool {
	op.client.mu.Lock()
	defer op.client.mu.Unlock()
	return op.muted
}
