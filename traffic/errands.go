package traffic

import "container/heap"

// errand is something that is to be looked at again: an order on its way to its
// customer, or a return on its way back.
type errand struct {
	// due is the tick from which on it may be looked at.
	due, seq int
	order    string
	// own is true if our shop placed the order.
	own bool
	// waits counts how often there was nothing to do for it.
	waits int
	// back is what comes back, nil for an order.
	back *comingBack
}

// comingBack is a return with its one line.
type comingBack struct {
	id, line string
	quantity int
}

// errands are ordered by when they are due, and then by when they were added.
type errands struct {
	queue queue
	added int
}

// maxLate is how many ticks the oldest errand may be late before nothing is bought.
const maxLate = 60

// add adds an errand that is due at a tick.
func (e *errands) add(one *errand, due int) {
	e.added++
	one.due, one.seq = due, e.added
	heap.Push(&e.queue, one)
}

// late is for how long the oldest errand has been due; below 0 where none is.
func (e *errands) late(tick int) int {
	if len(e.queue) == 0 {
		return -1
	}
	return tick - e.queue[0].due
}

// take takes the oldest errand out.
func (e *errands) take() *errand { return heap.Pop(&e.queue).(*errand) }

// queue implements heap.Interface.
type queue []*errand

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].due < q[j].due || q[i].due == q[j].due && q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*errand)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return x
}
