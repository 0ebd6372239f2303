package live

import (
	"context"
	"errors"
	"slices"

	"redline"
)

// errRights is what is said of an operation that ends because of its client's
// rights.
var errRights = redline.Errorf(redline.CodeForbidden, nil, "the token's rights changed, and no longer allow the operation")

// errMuted ends what an operation is about with rights that it no longer has.
var errMuted = errors.New("the client's rights have changed")

// lookAgain gives the client another principal, and has each operation that was
// begun with other rights begin again with these, where it stands. What waits of
// it is not written any more. What is running may have changed something already:
// its answer stands.
func (c *client) lookAgain(p *redline.Principal) {
	head := c.broker.Head() // before the operations' positions
	c.mu.Lock()
	defer c.mu.Unlock()
	c.principal = p
	if c.expelLocked() {
		return
	}
	for _, op := range c.operations {
		switch {
		case op.stage == stageRunning:
		case sameRights(*op.principal, *p):
			op.principal = p
		case !c.ended:
			op.mute(head)
		}
	}
}

// mute stops an operation where it stands: nothing of it is told or written any
// more until it has begun again. Its own goroutine has it do so, or a new one where
// it is live and has none. The caller holds the client's mu.
func (op *operation) mute(head int64) {
	c := op.client
	position, _ := op.position(head)
	before, unsaid, inState := c.outbox.discard(op.id)
	op.muted, op.last = true, min(position, before)
	op.said, op.inState = op.said && !unsaid, op.inState || inState
	if !op.live {
		return
	}
	op.live = false
	ctx, cancel := context.WithCancelCause(c.context(c.principal))
	op.cancel = cancel
	on := &catchUp{broker: c.broker, op: op, x: op.group.x, log: op.log}
	c.work.Add(1)
	go func() {
		defer c.work.Done()
		defer op.survive(ctx)
		op.catchUp(ctx, func() (*catchUp, error) { return on, errMuted })
	}()
}

// catchUp has an operation catch up until it is live, again each time that its
// client's rights change meanwhile. A client's operations do so one after another:
// what they hold meanwhile is no more than one of them needs.
func (op *operation) catchUp(ctx context.Context, begin func() (*catchUp, error)) {
	turn := op.client.turns()
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		op.refuse(context.Cause(ctx))
		return
	}
	op.follow(ctx, begin)
}

// follow is catchUp for who needs no turn.
func (op *operation) follow(ctx context.Context, begin func() (*catchUp, error)) {
	c, err := begin()
	if err == nil {
		err = c.run(ctx)
	}
	for errors.Is(err, errMuted) {
		if c, err = op.beginAgain(ctx, c); err == nil {
			err = c.run(ctx)
		}
	}
	if err != nil {
		op.refuse(err)
	}
}

// beginAgain begins an operation with its client's present rights: with another
// snapshot where it was within one, and otherwise where it stands. Where they don't
// allow it, the error is errRights.
func (op *operation) beginAgain(ctx context.Context, was *catchUp) (*catchUp, error) {
	op.leave()
	c := op.client
	c.mu.Lock()
	if op.over || c.closing {
		c.mu.Unlock()
		return nil, errEnded
	}
	p := c.principal
	op.principal, op.muted, op.group, op.held, op.heldBytes = p, false, nil, nil, 0
	on := &catchUp{broker: c.broker, op: op, x: was.x, log: op.log, from: op.last}
	inState := op.inState
	c.mu.Unlock()
	x, refused := was.x.again(redline.WithPrincipal(ctx, *p))
	if refused != nil {
		if op.isMuted() {
			return on, errMuted // those rights are old as well by now
		}
		return nil, errRights
	}
	if on.x = x; inState {
		return on, on.beginSnapshot(ctx)
	}
	return on, nil
}

// sameRights reports whether two principals of one role may see and do the same.
func sameRights(a, b redline.Principal) bool {
	return a.Role == b.Role && a.Customer == b.Customer &&
		sameSet(a.Scopes, b.Scopes) && sameSet(a.Suppliers, b.Suppliers)
}

func sameSet(a, b []string) bool {
	within := func(all []string) func(string) bool {
		return func(one string) bool { return !slices.Contains(all, one) }
	}
	return !slices.ContainsFunc(a, within(b)) && !slices.ContainsFunc(b, within(a))
}
