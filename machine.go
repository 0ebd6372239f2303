package redline

import (
	"fmt"
	"slices"
	"strings"
)

// Action is what is done to something that has a status.
type Action string

// The actions. Several may come from one method, by what it finds.
const (
	ActAccept             Action = "accept all"
	ActAcceptSome         Action = "accept a part"
	ActReject             Action = "reject"
	ActPrepare            Action = "make ready"
	ActShip               Action = "ship"
	ActShipLate           Action = "ship all the same"
	ActCancel             Action = "cancel"
	ActAsk                Action = "ask to cancel"
	ActAcceptCancellation Action = "accept the cancellation"
	ActRejectCancellation Action = "reject the cancellation"
	ActWithdraw           Action = "withdraw"
	ActDeliver            Action = "arrive"
	ActFail               Action = "get lost"
	ActHold               Action = "hold"
	ActRelease            Action = "release"
	ActReceiveSome        Action = "receive a part"
	ActReceive            Action = "receive the rest"
	ActTakeOver           Action = "take over"
	ActExpire             Action = "expire"
	ActResolve            Action = "resolve"
	ActDismiss            Action = "dismiss"
)

// Move is one row of a table: what an action makes of a status. Where an action
// has several rows for one status, what is done says which it is.
type Move[S ~string] struct {
	From   S
	Action Action
	To     S
}

// Machine is the table of what may become of one kind of thing. What isn't in
// it doesn't happen: the code asks it, and the diagrams are drawn from it.
type Machine[S ~string] struct {
	// Name is what diagrams call it.
	Name  string
	Start S
	Moves []Move[S]
}

// From are the statuses in which something may be done.
func (m *Machine[S]) From(a Action) []S {
	var from []S
	for _, v := range m.Moves {
		if v.Action == a && !slices.Contains(from, v.From) {
			from = append(from, v.From)
		}
	}
	return from
}

// Can reports whether something may be done in a status.
func (m *Machine[S]) Can(from S, a Action) bool { return slices.Contains(m.From(a), from) }

// To are the statuses that one may become, by any of some actions; without
// them by whatever.
func (m *Machine[S]) To(from S, by ...Action) []S {
	to := []S{}
	for _, v := range m.Moves {
		if v.From == from && (len(by) == 0 || slices.Contains(by, v.Action)) && !slices.Contains(to, v.To) {
			to = append(to, v.To)
		}
	}
	return to
}

// move makes a move, which has to be in the table: that it may be made was
// asked before.
func (m *Machine[S]) move(status *S, a Action, to S) {
	if !slices.Contains(m.Moves, Move[S]{*status, a, to}) {
		panic(fmt.Sprintf("a %s that is %s doesn't become %s by %q", m.Name, *status, to, a))
	}
	*status = to
}

// Mermaid draws the table as a state diagram in the language of Mermaid.
func (m *Machine[S]) Mermaid() string {
	var b strings.Builder
	fmt.Fprintf(&b, "stateDiagram-v2\n    [*] --> %s\n", m.Start)
	type edge struct{ from, to S }
	var edges []edge
	actions := map[edge][]string{}
	leaves := map[S]bool{}
	for _, v := range m.Moves {
		e := edge{v.From, v.To}
		if actions[e] == nil {
			edges = append(edges, e)
		}
		actions[e] = append(actions[e], string(v.Action))
		leaves[v.From] = leaves[v.From] || v.From != v.To
	}
	var ends []S
	for _, e := range edges {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", e.from, e.to, strings.Join(actions[e], ", "))
		if !leaves[e.to] && !slices.Contains(ends, e.to) {
			ends = append(ends, e.to)
		}
	}
	for _, s := range ends {
		fmt.Fprintf(&b, "    %s --> [*]\n", s)
	}
	return b.String()
}

// Diagrams are the state diagrams of all tables, by name.
func Diagrams() map[string]string {
	return map[string]string{
		OrderMachine.Name: OrderMachine.Mermaid(), PartMachine.Name: PartMachine.Mermaid(), ShipmentMachine.Name: ShipmentMachine.Mermaid(),
		ReturnMachine.Name: ReturnMachine.Mermaid(), ReservationMachine.Name: ReservationMachine.Mermaid(),
		ConflictMachine.Name: ConflictMachine.Mermaid(),
	}
}

// moves are rows that have an action in common: from each status to each.
func moves[S ~string](a Action, from, to []S) (rows []Move[S]) {
	for _, f := range from {
		for _, t := range to {
			rows = append(rows, Move[S]{f, a, t})
		}
	}
	return rows
}
