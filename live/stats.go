package live

import "sync/atomic"

// stats count what happened since the process began.
type stats struct {
	events, executions, answers, coalesced, cutOff, catchUpReads atomic.Int64
	// connects that were refused because there were too many.
	turnedAway atomic.Int64
	logLag     atomic.Int64
}

// Stats is what the live engine is doing, and has done since it began.
type Stats struct {
	// Sockets and Streams are the open connections: websockets, and streams over
	// HTTP.
	Sockets, Streams int
	// Subscriptions are the live operations of all connections, and Groups those
	// that are executed: one for all who may see the same.
	Subscriptions, Groups int
	// Waiting is how many messages wait to be written, in all queues.
	Waiting int
	// Events were published to groups; Executions are how often the executor ran
	// for one; Answers were queued for readers.
	Events, Executions, Answers int64
	// Coalesced answers had a newer one stand for them, and CutOff readers did not
	// keep up.
	Coalesced, CutOff int64
	// CatchUpReads are the reads of the log for those who came with a cursor.
	CatchUpReads int64
	// TurnedAway are connections refused because too many were open, in all or of one
	// address, or came at once; not those of a door that is closing.
	TurnedAway int64
	// LagEvents is how many ids of the log were given out and not yet published or
	// known to be unused, when the log was last looked at.
	LagEvents int64
}

// Stats says what the engine is doing.
func (d *Door) Stats() Stats {
	b := d.broker
	s := Stats{
		Events: b.stats.events.Load(), Executions: b.stats.executions.Load(), Answers: b.stats.answers.Load(),
		Coalesced: b.stats.coalesced.Load(), CutOff: b.stats.cutOff.Load(), CatchUpReads: b.stats.catchUpReads.Load(),
		TurnedAway: b.stats.turnedAway.Load(), LagEvents: b.stats.logLag.Load(),
	}
	b.mu.Lock()
	s.Groups = len(b.groups)
	b.mu.Unlock()
	for _, c := range d.connections() {
		client := c.base()
		if _, isSocket := c.(*socket); isSocket {
			s.Sockets++
		} else {
			s.Streams++
		}
		client.mu.Lock()
		s.Waiting += client.outbox.len()
		for _, op := range client.operations {
			if op.stage == stageStream {
				s.Subscriptions++
			}
		}
		client.mu.Unlock()
	}
	return s
}
