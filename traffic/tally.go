package traffic

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"redline"
)

// Kind is what an action does.
type Kind string

// The kinds of actions. Idle is one that found nothing to do.
const (
	Browse   Kind = "looked around"
	Order    Kind = "ordered"
	Cart     Kind = "left in a cart"
	Cancel   Kind = "cancelled"
	Accept   Kind = "accepted"
	Reject   Kind = "rejected"
	Ship     Kind = "shipped"
	Deliver  Kind = "delivered"
	Lose     Kind = "lost on the way"
	Return   Kind = "sent back"
	Receive  Kind = "taken back"
	Feed     Kind = "feeds"
	FullFeed Kind = "full feeds"
	Restock  Kind = "restocked"
	Settle   Kind = "conflicts settled"
	Outage   Kind = "outages"
	Recovery Kind = "recoveries"
	Idle     Kind = "nothing to do"
)

// kinds are all of them, in the order in which they are told.
var kinds = []Kind{
	Browse, Order, Cart, Cancel, Accept, Reject, Ship, Deliver, Lose, Return, Receive, Feed, FullFeed, Restock, Settle, Outage, Recovery, Idle,
}

// Summary is what was done. Actions is the sum of Done, Refused, Failed and Interrupted.
type Summary struct {
	Actions int
	// Done are the actions that succeeded, by kind.
	Done map[Kind]int
	// Refused are those that the gateway refused with a user error, by its code.
	Refused map[redline.ErrorCode]int
	// Failed are those that came to nothing for any other reason, and Interrupted those
	// that were under way at the end: nobody knows what became of them.
	Failed, Interrupted int
}

// String says it in one line, what was never done left out.
func (s Summary) String() string {
	var said []string
	for _, k := range kinds {
		if n := s.Done[k]; n > 0 {
			said = append(said, fmt.Sprintf("%s %d", k, n))
		}
	}
	for _, code := range slices.SortedFunc(maps.Keys(s.Refused), func(a, b redline.ErrorCode) int {
		return cmp.Or(cmp.Compare(s.Refused[b], s.Refused[a]), cmp.Compare(a, b))
	}) {
		said = append(said, fmt.Sprintf("refused as %s %d", code, s.Refused[code]))
	}
	if s.Failed > 0 {
		said = append(said, fmt.Sprintf("failed %d", s.Failed))
	}
	if s.Interrupted > 0 {
		said = append(said, fmt.Sprintf("interrupted %d", s.Interrupted))
	}
	if len(said) == 0 {
		return "0 actions"
	}
	return fmt.Sprintf("%d actions: %s", s.Actions, strings.Join(said, ", "))
}

// tally counts. It is safe for concurrent use.
type tally struct {
	mu sync.Mutex
	s  Summary
}

// count counts an action by what came of it. An error once traffic is over leaves open
// what became of it, unless the gateway refused it. failed is true where it failed.
func (t *tally) count(k Kind, err error, over bool) (failed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.s.Done == nil {
		t.s.Done, t.s.Refused = map[Kind]int{}, map[redline.ErrorCode]int{}
	}
	t.s.Actions++
	refusal, refused := errors.AsType[*refusedError](err)
	switch {
	case err == nil:
		t.s.Done[k]++
	case refused:
		t.s.Refused[refusal.code]++
	case over:
		t.s.Interrupted++
	default:
		t.s.Failed++
		return true
	}
	return false
}

func (t *tally) summary() Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.s
	s.Done, s.Refused = maps.Clone(s.Done), maps.Clone(s.Refused)
	return s
}
