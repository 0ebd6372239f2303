package store_test

import (
	"testing"
	"time"

	"redline"
)

// agree sets cajun's terms, which has to succeed, and has the gateway know.
func (w *world) agree(in redline.SupplierTermsSetInput) {
	w.t.Helper()
	in.SupplierID = w.id["supplier cajun"]
	_, _, err := w.SupplierTermsSet(w.ctx, operator, in)
	w.must(err)
	w.must(w.RefreshPlaces(w.ctx)) // as the log has it do
}

// standing is how cajun stands, as an operator sees it.
func (w *world) standing() *redline.SupplierStanding {
	w.t.Helper()
	id := w.id["supplier cajun"]
	all, err := w.Standings(w.ctx, operator, []string{id})
	w.must(err)
	return all[id]
}

func TestTermsAreSet(t *testing.T) {
	w := newWorld(t)
	terms := func(what string, want redline.SupplierTerms) {
		t.Helper()
		equal(t, what, w.standing().Terms, want)
	}
	terms("at first", redline.SupplierTerms{AcknowledgeWithinSeconds: 86400, ZeroingLimitPercent: 20, Version: 1})
	in := redline.SupplierTermsSetInput{
		IdempotencyKey: ref(key()), SupplierID: w.id["supplier cajun"], ConfirmWithinSeconds: ref(3600), AcknowledgeWithinSeconds: ref(60),
		ZeroingLimitPercent: ref(0), ExpectedVersion: ref(1),
	}
	id, _, err := w.SupplierTermsSet(w.ctx, operator, in)
	w.must(err)
	equal(t, "whose", id, in.SupplierID)
	all := redline.SupplierTerms{ConfirmWithinSeconds: ref(3600), AcknowledgeWithinSeconds: 60, ZeroingLimitPercent: 0, Version: 2}
	terms("all of them", all)
	again, outcome, err := w.SupplierTermsSet(w.ctx, operator, in)
	w.must(err)
	equal(t, "a replay", []any{again, outcome.Replayed}, []any{id, true})
	w.agree(redline.SupplierTermsSetInput{})
	w.agree(redline.SupplierTermsSetInput{ConfirmWithinSeconds: ref(3600), ZeroingLimitPercent: ref(0)})
	terms("nothing else", all)
	w.agree(redline.SupplierTermsSetInput{ZeroingLimitPercent: ref(100)})
	all.ZeroingLimitPercent, all.Version = 100, 3
	terms("one of them", all)
	w.agree(redline.SupplierTermsSetInput{ConfirmWithinSeconds: ref(0)})
	all.ConfirmWithinSeconds, all.Version = nil, 4
	terms("for ever", all)
	own, err := w.Standings(w.ctx, cajun, []string{in.SupplierID})
	w.must(err)
	equal(t, "what the supplier sees", own[in.SupplierID].Terms, all)

	// A gateway hears of it through the log.
	var told int
	w.must(w.DB().GetContext(w.ctx, &told, `SELECT count(*) FROM events WHERE type = 'places.changed' AND subject_id = 'suppliers'`))
	if told < 4 {
		t.Errorf("the log tells of %d changes of suppliers", told)
	}
}

func TestTermsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		who  redline.Principal
		in   redline.SupplierTermsSetInput
		want []string
	}{
		"bounds below": {operator, redline.SupplierTermsSetInput{ConfirmWithinSeconds: ref(-1), AcknowledgeWithinSeconds: ref(0), ZeroingLimitPercent: ref(-1)},
			[]string{"INVALID confirmWithinSeconds", "INVALID acknowledgeWithinSeconds", "INVALID zeroingLimitPercent"}},
		"bounds above": {operator, redline.SupplierTermsSetInput{
			ConfirmWithinSeconds: ref(31_536_001), AcknowledgeWithinSeconds: ref(31_536_001), ZeroingLimitPercent: ref(101)},
			[]string{"INVALID confirmWithinSeconds", "INVALID acknowledgeWithinSeconds", "INVALID zeroingLimitPercent"}},
		"an old version": {operator, redline.SupplierTermsSetInput{ZeroingLimitPercent: ref(1), ExpectedVersion: ref(7)}, []string{"VERSION_MISMATCH expectedVersion"}},
		"nobody's":       {operator, redline.SupplierTermsSetInput{SupplierID: "sup_x", ZeroingLimitPercent: ref(1)}, []string{"NOT_FOUND supplierId"}},
		"its own":        {cajun, redline.SupplierTermsSetInput{ZeroingLimitPercent: ref(1)}, []string{"FORBIDDEN "}},
		"a shop's":       {shop, redline.SupplierTermsSetInput{ZeroingLimitPercent: ref(1)}, []string{"FORBIDDEN "}},
	} {
		if c.in.SupplierID == "" {
			c.in.SupplierID = w.id["supplier cajun"]
		}
		_, _, err := w.SupplierTermsSet(w.ctx, c.who, c.in)
		if err == nil {
			t.Fatalf("%s is not refused", name)
		}
		refusedAt(t, err, c.want...)
	}
	equal(t, "the version", w.standing().Terms.Version, 1)
}

// Of several who set the terms of one version at once one does.
func TestTermsSetAtOnce(t *testing.T) {
	w := newWorld(t)
	won := 0
	for _, err := range atOnce(6, func(i int) error {
		_, _, err := w.SupplierTermsSet(w.ctx, operator, redline.SupplierTermsSetInput{
			SupplierID: w.id["supplier cajun"], ZeroingLimitPercent: ref(30 + i), ExpectedVersion: ref(1),
		})
		return err
	}) {
		if err == nil {
			won++
		} else {
			refused(t, err, redline.CodeVersionMismatch, "expectedVersion")
		}
	}
	equal(t, "how many did", won, 1)
	equal(t, "the version", w.standing().Terms.Version, 2)
}

// A supplier's part of an order is to be answered within what was agreed with it
// when the order was placed.
func TestDeadlinesFollowTheTerms(t *testing.T) {
	w := newWorld(t)
	deadline := func(want time.Duration) {
		t.Helper()
		l := line("sauce", 1)
		l.LocationID = ref(w.id["cajun"])
		f := w.part(w.place(shop, l), "cajun")
		equal(t, "the time to answer", f.AcknowledgeBy.Sub(f.SubmittedAt), want)
	}
	deadline(24 * time.Hour)
	w.agree(redline.SupplierTermsSetInput{AcknowledgeWithinSeconds: ref(90)})
	deadline(90 * time.Second)
	equal(t, "ours has none", w.part(w.place(shop, line("pads", 1)), "east").AcknowledgeBy, (*time.Time)(nil))

	// What is overdue comes by its deadline: the later order is late before the first.
	w.exec(`UPDATE fulfillment_orders SET acknowledge_by = acknowledge_by - interval '2 days' WHERE acknowledge_by IS NOT NULL`)
	page, err := w.FulfillmentOrders(w.ctx, cajun, redline.FulfillmentOrderFilter{Overdue: ref(true)}, redline.PageRequest{First: ref(1)})
	w.must(err)
	next, err := w.FulfillmentOrders(w.ctx, cajun, redline.FulfillmentOrderFilter{Overdue: ref(true)}, redline.PageRequest{After: &page.Cursors[0]})
	w.must(err)
	equal(t, "how many, page by page", []int{len(page.Items), len(next.Items)}, []int{1, 1})
	if a, b := page.Items[0], next.Items[0]; !a.AcknowledgeBy.Before(*b.AcknowledgeBy) || !a.SubmittedAt.After(b.SubmittedAt) {
		t.Errorf("first comes what was due at %s, then at %s", a.AcknowledgeBy, b.AcknowledgeBy)
	}
}

func TestStandingOfSuppliers(t *testing.T) {
	w := newWorld(t)
	status := func(what string, want redline.SupplierStatus) {
		t.Helper()
		equal(t, what, w.standing().Status, want)
	}
	status("nothing was agreed", redline.SupplierUp)
	w.agree(redline.SupplierTermsSetInput{ConfirmWithinSeconds: ref(3600)})
	status("it has never told us anything", redline.SupplierDegraded)
	w.adjust(cajun, "sauce", "cajun", 1)
	status("it has just told us something", redline.SupplierUp)
	w.exec(`UPDATE suppliers SET last_seen_at = now() - interval '2 hours' WHERE code = 'cajun'`)
	status("it has been silent for two hours", redline.SupplierDegraded)
	w.agree(redline.SupplierTermsSetInput{ConfirmWithinSeconds: ref(3 * 3600)})
	status("three hours were agreed", redline.SupplierUp)
	w.exec(`UPDATE suppliers SET last_seen_at = now() - interval '9 hours' WHERE code = 'cajun'`)
	w.agree(redline.SupplierTermsSetInput{ConfirmWithinSeconds: ref(0)})
	status("for ever", redline.SupplierUp)
}
