package live

import (
	"sync"
	"sync/atomic"

	"redline"
)

// pending is an event that a group is still to be told of.
type pending struct {
	event *redline.Event
	// before is the id of the event published before it.
	before int64
	// traced is nil where its trace isn't recorded.
	traced *tracedEvent
}

// group is one live operation as those see it who may see the same. However
// many they are, the executor runs once for each event, and the result is
// written once. A group has a goroutine only while there is something to tell.
type group struct {
	broker *Broker
	key    groupKey
	// x belongs to whoever runs the group.
	x *execution
	// seen is the id of the last event that the index found it for. The broker's
	// mu guards it.
	seen int64
	// behind is the position up to which everything has been handed to the
	// members, nowhere where nothing is left to hand over: then that is the
	// broker's head.
	behind atomic.Int64

	mu      sync.Mutex
	members []*operation
	queue   []pending
	running bool
	// failed says that it gives no more answers, and takes no more members.
	failed bool
}

func newGroup(b *Broker, key groupKey, x *execution) *group {
	g := &group{broker: b, key: key, x: x}
	g.behind.Store(nowhere)
	return g
}

// offer queues an event, if the group wants it. The caller holds the broker's mu.
func (g *group) offer(p pending) {
	wanted, err := g.x.wants(p.event)
	if !wanted && err == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed {
		return
	}
	if err != nil {
		g.failed = true
	} else {
		g.queue = append(g.queue, p)
		if len(g.queue) == 1 {
			g.behind.Store(p.before)
		}
	}
	if !g.running {
		g.running = true
		g.broker.running.Go(g.run)
	}
}

// run tells the members until there is nothing left to tell.
func (g *group) run() {
	for {
		batch, failed := g.next()
		if failed {
			g.fail(errPanicked)
			return
		}
		if batch == nil {
			return
		}
		what := make([]redline.Telling, len(batch))
		for i, p := range batch {
			what[i] = redline.Telling{Event: p.event, Cursor: g.broker.Cursor(p.event.ID)}
		}
		traced := g.trace(batch)
		answers, err := g.x.tell(what)
		deliveries := traced.end(g, batch, answers)
		if err != nil {
			g.fail(err)
			return
		}
		g.broker.stats.executions.Add(int64(len(batch)))
		for i, p := range batch {
			answers[i].before = p.before
		}
		g.deliver(answers)
		for _, d := range deliveries {
			d.hand()
		}
	}
}

// next returns what to tell next, nil where there is nothing: then the runner
// ends, and another one begins with the next event.
func (g *group) next() (batch []pending, failed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) == 0 || g.failed || len(g.members) == 0 {
		g.queue, g.running = nil, false
		g.behind.Store(nowhere)
		return nil, g.failed
	}
	return g.queue[:min(len(g.queue), redline.TellMax)], false
}

// deliver hands answers to all members, and takes them off the queue.
func (g *group) deliver(answers []*answer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed {
		return // the log turned out to be another one meanwhile, and there is no queue
	}
	for i := 0; i < len(g.members); {
		op := g.members[i]
		here := true
		for _, a := range answers {
			if here = a.id <= op.after || op.client.take(op, a); !here {
				break
			}
		}
		if here {
			i++
		} else {
			g.removeAt(i)
		}
	}
	clear(g.queue[:len(answers)])
	g.queue = g.queue[len(answers):]
	if len(g.queue) == 0 {
		g.queue = nil
		g.behind.Store(nowhere)
		return
	}
	g.behind.Store(g.queue[0].before)
}

// add makes an operation a member: it is told of what comes behind after. It
// reports false where the group has failed. The caller holds the broker's mu.
func (g *group) add(op *operation, after int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed {
		return false
	}
	op.after, op.place = after, len(g.members)
	g.members = append(g.members, op)
	return true
}

func (g *group) empty() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.members) == 0
}

// gone is the place of an operation that is in no group's list.
const gone = -1

// removeAt takes a member out. The caller holds mu.
func (g *group) removeAt(i int) {
	last := len(g.members) - 1
	g.members[i].place = gone
	g.members[i] = g.members[last]
	if i != last {
		g.members[i].place = i
	}
	g.members[last] = nil
	g.members = g.members[:last]
	if last == 0 {
		g.members = nil
	}
}

// remove takes a member out, if it is there still, and returns how many are left.
// The caller holds the broker's mu.
func (g *group) remove(op *operation) (left int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if op.place != gone {
		g.removeAt(op.place)
	}
	return len(g.members)
}

// fail ends all members with an error: the operation can't go on.
func (g *group) fail(err error) {
	g.broker.retire(g)
	g.mu.Lock()
	g.failed, g.running, g.queue = true, false, nil
	members := g.members
	g.members = nil
	for _, op := range members {
		op.place = gone
	}
	g.mu.Unlock()
	for _, op := range members {
		op.refuse(err)
	}
}
