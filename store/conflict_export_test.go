package store

import (
	"context"

	"redline"
)

// Telling is what a mutation of a test says of conflicts: each of Open is a cause
// with its facts, told in turn with Settle, whose texts are causes; and Refuse,
// where it isn't nil, is why nothing else is done.
type Telling struct {
	Open   []redline.Conflict
	Settle []string
	// SettleFirst settles before it opens.
	SettleFirst bool
	Refuse      error
}

// Tell runs a mutation that changes nothing but conflicts, and returns those
// that it opened.
func (s *Store) Tell(ctx context.Context, p redline.Principal, key *string, tell Telling) ([]*redline.Conflict, redline.Outcome, error) {
	type kept struct{ IDs []string }
	var opened []*redline.Conflict
	_, outcome, err := mutate(ctx, s, p, request{action: "test", key: key, input: tell}, func(_ context.Context, m *mutation) (*kept, error) {
		result := &kept{}
		m.whenOpened = func() {
			opened = m.opened
			for _, c := range m.opened {
				result.IDs = append(result.IDs, c.ID)
			}
		}
		settle := func() {
			for _, cause := range tell.Settle {
				m.settleConflict(cause, "by rule")
			}
		}
		if tell.SettleFirst {
			settle()
		}
		for _, c := range tell.Open {
			o := conflictOpening{kind: c.Kind, cause: c.Cause, supplierID: c.SupplierID, subjectID: c.SubjectID, summary: c.Summary, facts: c.Facts}
			if c.Held != nil {
				o.held = c.Held
			}
			m.conflict(o)
		}
		if !tell.SettleFirst {
			settle()
		}
		if tell.Refuse != nil {
			m.refuse(tell.Refuse)
		}
		return result, nil
	})
	return opened, outcome, err
}
