package traffic

import (
	"context"
	"time"
)

// outage is a supplier that is silent: it answers no order and sends no feed. What
// was agreed with it is tightened meanwhile, so that its stock turns stale soon.
type outage struct {
	// next is the tick at which it begins or ends.
	next int
	// of is the supplier; nil where all are well.
	of *supplier
	// before is for how many seconds its word held before; 0: for ever.
	before int
}

// silent is whether the supplier with this code is.
func (o *outage) silent(code string) bool { return o.of != nil && o.of.code == code }

// outageTicks is how long an outage lasts: a quarter of a minute at least, so that there is
// time to see it.
func (s *simulation) outageTicks() int { return max(300, int(15*s.Rate)) }

// settling is how long putting things right at the end may take.
const settling = 500 * time.Millisecond

const queryTerms = `query TrafficTerms($id: ID!) { node(id: $id) { ... on Supplier { terms { confirmWithinSeconds } } } }`

var setTerms = mutation{"supplierTermsSet", "SupplierTermsSetInput", ""}

// turnOutage begins an outage, or ends the one there is.
func (s *simulation) turnOutage(ctx context.Context) (Kind, error) {
	length := s.outageTicks()
	if s.outage.of != nil {
		s.outage.next = s.tick + 4*length
		return Recovery, s.recover(ctx)
	}
	s.outage.next = s.tick + length
	of := &s.world.suppliers[s.random.IntN(len(s.world.suppliers))]
	var answer struct {
		Node *struct {
			Terms *struct{ ConfirmWithinSeconds *int }
		}
	}
	if err := s.Gateway.Ask(ctx, operator, queryTerms, map[string]any{"id": of.id}, &answer); err != nil {
		return Outage, err
	}
	before := 0
	if n := answer.Node; n != nil && n.Terms != nil && n.Terms.ConfirmWithinSeconds != nil {
		before = *n.Terms.ConfirmWithinSeconds
	}
	// From here on it is to be undone, whether or not the answer arrives.
	s.outage.of, s.outage.before = of, before
	within := min(max(int(float64(length)/s.Rate/4), 2), 3600)
	return Outage, s.change(ctx, operator, setTerms, map[string]any{"supplierId": of.id, "confirmWithinSeconds": within}, nil)
}

// recover ends the outage: what was agreed holds again, and the supplier tells of all
// that it has.
func (s *simulation) recover(ctx context.Context) error {
	of := s.outage.of
	if err := s.relax(ctx); err != nil {
		return err
	}
	_, err := s.feedOf(ctx, of, true, true)
	return err
}

// relax makes what was agreed with the supplier what it was before.
func (s *simulation) relax(ctx context.Context) error {
	input := map[string]any{"supplierId": s.outage.of.id, "confirmWithinSeconds": s.outage.before}
	if err := s.change(ctx, operator, setTerms, input, nil); err != nil {
		return err
	}
	s.outage.of = nil
	return nil
}

// settleOutage leaves no supplier with terms that were only meant for an outage, as far
// as the gateway can still be reached; ctx may have ended.
func (s *simulation) settleOutage(ctx context.Context) {
	if s.outage.of == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer cancel()
	_ = s.relax(ctx) // a gateway that is gone can't be told
}
