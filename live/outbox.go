package live

// outbox is what waits to be written to a client, oldest first. The client's mu
// guards it. An empty one holds no memory.
type outbox struct {
	messages []message
	// one is room for a message that waits alone, as most do.
	one [1]message
	// popped is how many messages have left, so that a message's number stays the
	// same while it waits: popped and its index.
	popped uint64
	// dead are those among messages that a newer one stands for.
	dead  int
	bytes int
	// writing says that somebody writes, and will look here again.
	writing bool
	// room is closed, and forgotten, once there is room again; nil where nobody
	// waits for that.
	room chan struct{}
}

// What may wait where somebody who can wait goes on: it is caught up from the
// log, and not to fill the queue.
const (
	roomMessages = 256
	roomBytes    = 256 << 10
)

const (
	// shortBytes is how long a message may be that has room behind any answer.
	shortBytes = 1 << 10
	// echoBytes is how much may wait where a longer one isn't an answer: what a
	// client makes us say again costs it nothing.
	echoBytes = 256 << 10
)

// fits reports whether there is room for a message. One answer may be of any
// length, and what is said shortly after it has always room: otherwise a long
// result would be cut off by its own complete.
func (o *outbox) fits(m message, limits Limits) bool {
	most := limits.QueueBytes
	if m.kind != kindNext {
		most = min(most, echoBytes)
	}
	return o.len() < limits.QueueMessages &&
		(o.bytes == 0 || m.kind != kindNext && m.size() <= shortBytes || o.bytes+m.size() <= most)
}

// len is how many messages wait.
func (o *outbox) len() int { return len(o.messages) - o.dead }

// push queues a message behind all others.
func (o *outbox) push(m message) {
	if o.messages == nil {
		o.messages = o.one[:0]
	}
	o.messages = append(o.messages, m)
	o.bytes += m.size()
	m.enters()
}

// retract takes out the answer that waits about the subject of another one, which
// is to stand for both. It reports whether one did.
func (o *outbox) retract(m message) (waited bool) {
	number, waited := m.op.waiting[m.answer.subject]
	if waited {
		o.kill(&o.messages[number-o.popped])
		delete(m.op.waiting, m.answer.subject)
	}
	return waited
}

// pushLatest queues an answer of an operation that wants the newest of each
// subject.
func (o *outbox) pushLatest(m message) {
	if m.op.waiting == nil {
		m.op.waiting = map[string]uint64{}
	}
	m.op.waiting[m.answer.subject] = o.popped + uint64(len(o.messages))
	o.push(m)
	if o.dead > len(o.messages)/2 && o.dead > roomMessages {
		o.compact()
	}
}

// kill takes out a message whose place stays.
func (o *outbox) kill(m *message) {
	m.leaves()
	o.bytes -= m.size()
	*m = message{}
	o.dead++
}

// compact gives back the places of the dead.
func (o *outbox) compact() {
	kept := o.messages[:0]
	for _, m := range o.messages {
		if m.kind == 0 {
			continue
		}
		if m.op != nil && m.op.waiting != nil && m.answer.subject != "" {
			m.op.waiting[m.answer.subject] = o.popped + uint64(len(kept))
		}
		kept = append(kept, m)
	}
	clear(o.messages[len(kept):])
	o.messages, o.dead = kept, 0
}

// pop takes out the oldest message.
func (o *outbox) pop() (m message, ok bool) {
	for len(o.messages) > 0 && !ok {
		m = o.messages[0]
		o.messages[0] = message{}
		o.messages = o.messages[1:]
		o.popped++
		if ok = m.kind != 0; !ok {
			o.dead--
		}
	}
	if !ok {
		return message{}, false
	}
	o.bytes -= m.size()
	if m.op != nil && m.op.waiting != nil && m.answer.subject != "" {
		if delete(m.op.waiting, m.answer.subject); len(m.op.waiting) == 0 {
			m.op.waiting = nil
		}
	}
	if len(o.messages) == 0 {
		o.messages = nil
	}
	o.tellRoom()
	return m, true
}

// discard takes out what waits of operations with an id. It returns the position
// before the first of it, nowhere where nothing waited, and whether CAUGHT_UP and
// something of a snapshot were among it.
func (o *outbox) discard(id string) (before int64, caughtUp, inState bool) {
	before = nowhere
	for i := range o.messages {
		if m := &o.messages[i]; m.op != nil && m.op.id == id {
			before = min(before, m.answer.before)
			caughtUp, inState = caughtUp || m.answer.caughtUp, inState || m.answer.inState
			m.op.waiting = nil
			o.kill(m)
		}
	}
	if o.dead == len(o.messages) {
		o.clear()
	}
	o.tellRoom()
	return before, caughtUp, inState
}

// clear takes out everything.
func (o *outbox) clear() {
	for _, m := range o.messages {
		m.leaves()
	}
	o.popped += uint64(len(o.messages))
	o.messages, o.bytes, o.dead = nil, 0, 0
	o.tellRoom()
}

// waitRoom returns a channel that is closed once there may be room again for an
// answer of somebody who can wait, nil where there is.
func (o *outbox) waitRoom(m message, limits Limits) <-chan struct{} {
	messages, bytes := min(roomMessages, limits.QueueMessages/2), min(roomBytes, limits.QueueBytes/2)
	if o.len() == 0 || o.len() < messages && o.bytes < bytes && o.fits(m, limits) {
		return nil
	}
	if o.room == nil {
		o.room = make(chan struct{})
	}
	return o.room
}

func (o *outbox) tellRoom() {
	if o.room != nil && o.len() <= roomMessages/2 && o.bytes <= roomBytes/2 {
		close(o.room)
		o.room = nil
	}
}
