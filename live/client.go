package live

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"redline"
)

// client is one connection, whichever protocol it speaks: its operations, and
// what waits to be written to it.
type client struct {
	door   *Door
	broker *Broker
	limits Limits
	exec   graphql.GraphExecutor
	wire   wire
	// address is whose connections it is counted with.
	address string
	// requestID is that of the request that opened it.
	requestID string
	// turn has room for the one operation that is being caught up; nil until one is.
	turn chan struct{}
	// resume is the position that a stream's client brings along, which counts
	// more than what its operation says; nil where it brings none.
	resume *string
	// sending are the deliveries of what is being written, most often none. They are
	// whoever's who writes.
	sending []*delivery
	// work counts every goroutine of the connection but the one that ends it. It
	// grows under mu only, and never once ended is true.
	work sync.WaitGroup

	mu         sync.Mutex
	principal  *redline.Principal
	operations []*operation
	outbox     outbox
	draining   bool // to be told to come back once nothing is running but subscriptions
	closing    bool // nothing new begins, and nothing more is queued
	expelled   bool // it was ended because its token was revoked
	ended      bool // no goroutine may begin any more
}

// wire is how a client's messages are written. Its methods are called with the
// client's mu held, and don't block.
type wire interface {
	// root is the context that those of its operations are made from. It never ends.
	root() context.Context
	// startWriting makes sure that somebody writes what waits.
	startWriting()
	// cutOff ends the connection of a reader who is too slow, and says from where
	// all of its operations can go on.
	cutOff()
	// comeBack ends the connection because the gateway goes away.
	comeBack()
	// seeOut ends the connection because its token was revoked.
	seeOut()
}

// opens says whose connection it is. Nothing of the request is kept here but its id
// and who asks.
func (c *client) opens(d *Door, w wire, r *http.Request, exec graphql.GraphExecutor, address string) {
	c.door, c.broker, c.limits, c.wire = d, d.broker, d.options.Limits, w
	c.exec, c.address, c.requestID = exec, address, redline.RequestIDFrom(r.Context())
	c.principal = shared(redline.PrincipalFrom(r.Context()))
}

var anonymous = redline.Anonymous()

// shared is a principal for a client to keep: all who have no token have the same.
func shared(p redline.Principal) *redline.Principal {
	if p.Role == anonymous.Role && !p.Authenticated() && len(p.Scopes) == 0 {
		return &anonymous
	}
	return &p
}

// present is who the client is now.
func (c *client) present() *redline.Principal {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.principal
}

// turns is the channel that an operation sends to when it begins to be caught up,
// and receives from when it is.
func (c *client) turns() chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn == nil {
		c.turn = make(chan struct{}, 1)
	}
	return c.turn
}

// context returns one that carries who asks, and which request it came with. It
// never ends by itself.
func (c *client) context(p *redline.Principal) context.Context {
	ctx := redline.WithAddress(redline.WithRequestID(c.wire.root(), c.requestID), c.address)
	return redline.WithPrincipal(ctx, *p)
}

// find returns an operation by its id, nil where there is none. The caller holds
// mu.
func (c *client) find(id string) *operation {
	for _, op := range c.operations {
		if op.id == id {
			return op
		}
	}
	return nil
}

// send queues a message of the client's own. It never blocks: where the queue is
// full the client is cut off.
func (c *client) send(m message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sendLocked(m)
}

// sendLocked is send, and reports whether the message was queued. The caller
// holds mu.
func (c *client) sendLocked(m message) bool {
	if c.closing {
		return false
	}
	if !c.outbox.fits(m, c.limits) {
		c.wire.cutOff()
		return false
	}
	c.outbox.push(m)
	c.wire.startWriting()
	return true
}

// take takes an answer of a group for a member. It reports false where the
// operation has ended, or ends with this.
func (c *client) take(op *operation, a *answer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || op.over {
		return false
	}
	if op.muted {
		return true
	}
	if !op.live {
		if op.heldBytes += len(a.payload); len(op.held) >= c.limits.QueueMessages || op.heldBytes > c.limits.QueueBytes {
			c.wire.cutOff()
			return false
		}
		op.held = append(op.held, a)
		return true
	}
	return c.takeLocked(op, a)
}

// takeLocked queues an answer of a live operation. The caller holds mu.
func (c *client) takeLocked(op *operation, a *answer) bool {
	if c.closing {
		return false
	}
	m := message{kind: kindNext, op: op, answer: a}
	latest := op.latest && a.subject != ""
	if latest && c.outbox.retract(m) {
		c.broker.stats.coalesced.Add(1)
	}
	if !c.outbox.fits(m, c.limits) {
		op.dropped = min(op.dropped, a.before) // who resumes must not skip it
		c.wire.cutOff()
		return false
	}
	if latest {
		c.outbox.pushLatest(m)
	} else {
		c.outbox.push(m)
	}
	op.last = max(op.last, a.id)
	op.said = op.said || a.caughtUp
	c.broker.stats.answers.Add(1)
	c.wire.startWriting()
	return true
}

// put queues an answer of an operation that is being caught up, once there is
// room for it.
func (c *client) put(ctx context.Context, op *operation, a *answer) error {
	for {
		c.mu.Lock()
		if op.muted {
			c.mu.Unlock()
			return errMuted
		}
		room := c.outbox.waitRoom(message{kind: kindNext, op: op, answer: a}, c.limits)
		if room == nil || c.closing || op.over {
			ended := c.closing || op.over || !c.takeLocked(op, a)
			c.mu.Unlock()
			if ended {
				return errEnded
			}
			return nil
		}
		c.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// resumeFrom is the cursor from which all running operations can resume, counting
// what waits to be written as undelivered if it is to be dropped. The
// caller holds mu.
func (c *client) resumeFrom(dropped bool) string {
	// Read before the head, which is of the same log or of a newer one: an old
	// log's cursor is refused, and one that mixes them would not be.
	epoch := c.broker.logID().epoch()
	// Read before the groups' positions: see Broker.Publish. Who came from a gateway
	// that has read further than this one may be ahead of it.
	head := c.broker.Head()
	lowest, begin := int64(nowhere), false
	for _, op := range c.operations {
		position, again := op.position(head)
		lowest, begin = min(lowest, position), begin || again
	}
	if dropped {
		for _, m := range c.outbox.messages {
			if m.kind == kindNext {
				lowest, begin = min(lowest, m.answer.before), begin || m.answer.inState
			}
		}
	}
	if lowest == nowhere {
		lowest = head
	}
	return redline.Cursor{Epoch: epoch, ID: lowest, InSnapshot: begin}.String()
}

// logCutOff logs that the client was cut off, beside those who hold mu: a log that is
// slow to be written keeps nobody waiting. The caller holds mu, and the client isn't
// closing yet.
func (c *client) logCutOff(logger *slog.Logger, what, resume string) {
	ctx, address := c.context(c.principal), c.address
	c.work.Go(func() { logger.InfoContext(ctx, what, "address", address, "resume", resume) })
}

// drained tells a draining client to come back, once nothing is running on it
// but subscriptions. The caller holds mu.
func (c *client) drained() {
	if c.draining && !slices.ContainsFunc(c.operations, func(op *operation) bool { return op.stage != stageStream }) {
		c.wire.comeBack()
	}
}

// drainOut tells the client to come back as soon as its queries and mutations
// have been answered; nothing new begins. Subscriptions go on until then.
func (c *client) drainOut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
	c.drained()
}

// hurry tells the client to come back without waiting for anything.
func (c *client) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wire.comeBack()
}

// expel ends the connection where its token has been revoked.
func (c *client) expel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expelLocked()
}

// expelLocked is expel, and reports whether it was. Whoever gives the client another
// principal calls it behind that: Revoke may have looked at it before. The caller holds
// mu.
func (c *client) expelLocked() bool {
	if !c.door.options.Revoked(*c.principal) {
		return false
	}
	if !c.expelled { // what it is told of that may wait still, and isn't to be dropped
		c.expelled = true
		c.outbox.clear()
		c.wire.seeOut()
	}
	return true
}

// shut lets nothing begin or be queued any more. The caller holds mu.
func (c *client) shut() {
	c.closing = true
	for _, op := range c.operations {
		op.stop()
	}
}

// end ends everything that the client began, and waits for it.
func (c *client) end() {
	c.mu.Lock()
	c.shut()
	c.ended = true
	c.outbox.clear()
	operations := c.operations
	c.operations = nil
	c.mu.Unlock()
	for _, op := range operations {
		op.leave()
	}
	c.work.Wait()
}
