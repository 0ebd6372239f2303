package main

import (
	"fmt"
	"time"
)

// tally is what all readers of a load generator have got.
type tally struct {
	members []int   // readers of each group
	next    []int64 // the number of each reader's next event; 0: it has had none

	command  command
	asked    bool  // command is one
	behind   int   // readers that haven't got all of what comes before it
	expected []int // messages of a publication, by its place in the turn
	all      []publication
	sample   string // the first message of all
}

func newTally(j job) *tally {
	t := &tally{members: make([]int, len(j.Groups)), next: make([]int64, j.Readers)}
	for i := range j.Readers {
		t.members[i%len(j.Groups)]++
	}
	return t
}

// begin takes a command.
func (t *tally) begin(c command) error {
	if len(c.After) != len(t.members) || c.Batch < 1 || c.Active > len(t.members) || c.Active%c.Batch != 0 {
		return fmt.Errorf("%d events at once of %d groups, of %d, can't be counted", c.Batch, c.Active, len(t.members))
	}
	t.command, t.asked, t.behind, t.all = c, true, 0, nil
	for i, next := range t.next {
		if next != c.After[i%len(t.members)]+1 {
			t.behind++
		}
	}
	t.expected = make([]int, c.Active/c.Batch)
	for g := range c.Active {
		t.expected[g/c.Batch] += t.members[g]
	}
	return nil
}

// got counts an event. It returns what there is to tell.
func (t *tally) got(reader int, number int64, message []byte, now time.Time) (say told, any bool, err error) {
	group := reader % len(t.members)
	if next := t.next[reader]; next != 0 && number != next {
		return told{}, false, fmt.Errorf("reader %d got event %d of its product where %d was next: %s", reader, number, next, message)
	}
	t.next[reader] = number + 1
	if t.sample == "" {
		t.sample = string(message)
	}
	if !t.asked {
		return told{}, false, nil
	}
	nth := number - t.command.After[group] - 1 // of its group
	switch {
	case nth < -1 || nth >= 0 && t.behind > 0:
		return told{}, false, nil
	case nth == -1:
		if t.behind--; t.behind == 0 {
			return told{Begun: t.command.Serial, Sample: t.sample}, true, nil
		}
		return told{}, false, nil
	case group >= t.command.Active:
		return told{}, false, fmt.Errorf("reader %d got an event that doesn't concern it: %s", reader, message)
	}
	return t.count(int(nth)*t.command.Active+group, message, now)
}

// count counts one message of an event that is measured.
func (t *tally) count(event int, message []byte, now time.Time) (say told, any bool, err error) {
	n := event / t.command.Batch
	for n >= len(t.all) {
		t.all = append(t.all, publication{N: len(t.all)})
	}
	p := &t.all[n]
	if p.Got++; p.Got == 1 {
		at, err := time.Parse(time.RFC3339Nano, moment(message))
		if err != nil {
			return told{}, false, fmt.Errorf("reading an event's time: %w", err)
		}
		p.At, p.First = at.UnixNano(), now.UnixNano()
	}
	if p.Got < t.expected[n%len(t.expected)] {
		return told{}, false, nil
	}
	p.Last = now.UnixNano()
	return told{Done: p}, true, nil
}
