package supplier

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"redline"
)

// X12 reads ASC X12 transaction set 846, Inventory Inquiry/Advice, as suppliers
// send it in release 004010 and those around it: one interchange, of functional
// groups IB with one or more 846 each.
//
//	ISA      106 characters; its fixed widths give the separators. ISA13 is the interchange's number,
//	         and ISA15 T says that it is a test
//	GS       GS01 IB; GS04 and GS05 date and time; GS06 the group's number
//	ST       ST01 846; ST02 the set's number
//	BIA      BIA01 00, an original; BIA04 date and BIA05 time
//	DTM      before the first LIN: DTM01 007 (effective), 405 (production: retailers' date of the
//	         count), 050 (received) or 097 (created), the first of these that is there;
//	         DTM02 date, DTM03 time, DTM04 its zone. Left out, BIA's date counts
//	N1       N101 WH: N104 is the code of the location, for all items of the set before the first
//	         LIN and for one item after it
//	LIN      pairs of qualifier and number from LIN02 on. The SKU is the first there is of VN (vendor's
//	         item), VP (vendor's part), SK (stock keeping unit), BP (buyer's part), UP (UPC), EN (EAN)
//	QTY      QTY01 33 (available for sale) or 17 (on hand), QTY02 a whole number, QTY03 its unit.
//	         Other quantities, such as those on order, are passed over
//	UIT      UIT01 the item's unit, where QTY03 has none
//	SDQ      the item's quantity by location: SDQ01 unit, then pairs of code and quantity from SDQ03
//	         on; they add up to the item's one quantity of 33 or 17
//	CTT      CTT01 the number of LIN, CTT02 the sum of all QTY02
//	SE GE IEA  count segments, sets and groups, and repeat the numbers of ST, GS and ISA
//
// All that they count and repeat has to be right. A unit is a code of element
// 355, plain or as the first component of the composite C001: EA piece, BO bottle,
// JR jar, CN can, BG bag, BX box, PK pack, CA case, ST set, PR pair, KG kilogram,
// LT litre. Where every item has a quantity on hand, the measure is ON_HAND; else,
// where every item has one available, AVAILABLE; a mix is refused.
//
// A date without a time is that of the group, where it is of the same day, else
// the day's beginning. A time without a zone is in Zone. Of several sets the
// earliest time counts.
//
// Other segments of an 846 are passed over, and so is what stands between LS and
// LE; what is no segment of an 846 is refused.
//
// Sources: the segments and their order are those of the 846 in X12 004010 and
// 004040 (the segment directories of EDI-Segment and TrueCommerce; UIT, SDQ and
// C001 as Stedi's reference has them). What suppliers use of them: the 846 guides
// of Logicbroker (BIA 00, LIN, QTY 33, CTT), Walmart's drop ship vendors, QVC and
// Belk over CommerceHub (LIN SK and UP, QTY 33), Amazon direct fulfilment and
// Motor State Distributing (DTM before N1), CDW (N1, CTT), D&H, "Outbound
// Inventory Advice X" (SDQ), and Interstate Steel (what CTT01 and CTT02 count).
type X12 struct {
	// Zone is where a time without a zone was told. Nil is UTC.
	Zone *time.Location
}

// Read reads an interchange.
func (x X12) Read(name string, document io.Reader) (*Feed, error) {
	in, err := open(document)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	r := &advice{found: newProblems(name), feed: &Feed{}, zone: x.Zone}
	if r.zone == nil {
		r.zone = time.UTC
	}
	segments, first, err := openInterchange(in)
	for err == nil && !r.done && !r.found.full() {
		if first.id() != "" {
			r.segment(first)
		}
		first, err = segments.next()
	}
	var wrong *envelopeError
	switch {
	case errors.As(err, &wrong):
		r.found.add(Place{Segment: wrong.segment}, "", "", "%s", wrong.message)
	case errors.Is(err, io.EOF):
		if r.level != outside || r.isa == nil {
			r.found.add(Place{}, "", "", "ends before the interchange does: there is no IEA")
		}
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return r.finish()
}

// level is what a segment stands in.
type level int

const (
	outside level = iota
	inInterchange
	inGroup
	inSet
)

// advice reads an interchange, segment by segment.
type advice struct {
	found *problems
	feed  *Feed
	zone  *time.Location

	level level
	done  bool // the rest can't be understood
	isa   *segment
	// groups, sets and since count what IEA, GE and SE say: groups, sets in the
	// group, and segments since ST, with it.
	groups, sets, since int
	gs, st              segment

	set   set
	items []item
}

// set is one 846.
type set struct {
	began    bool // BIA was there
	dates    []segment
	location *string
	// lines and sum are what CTT says.
	lines int
	sum   hash
	loops int // LS without LE
	item  *item
}

// item is what LIN and the segments after it say of one SKU.
type item struct {
	place      Place
	sku        string
	unit       *redline.UnitOfMeasure
	location   *string
	quantities map[string]amount // by QTY01: 33 and 17
	spread     []spread
}

type amount struct {
	place Place
	n     int
	unit  *redline.UnitOfMeasure
}

// spread is an item's quantity at one location, of SDQ.
type spread struct {
	amount
	location string
}

// The qualifiers of quantities that are read.
const (
	qtyAvailable = "33"
	qtyOnHand    = "17"
)

// skuQualifiers are LIN's, the best first.
var skuQualifiers = []string{"VN", "VP", "SK", "BP", "UP", "EN"}

// passedOver are the segments of an 846 that say nothing of what is read.
var passedOver = strings.Fields(`CUR REF PER MEA N2 N3 N4 LM LQ PID PKG CTP SAC MAN CS DD G53 PCT LDT SLN SCH`)

// unitCodes are those of element 355 that the contract has a unit for.
var unitCodes = map[string]redline.UnitOfMeasure{
	"EA": redline.UnitPiece, "BO": redline.UnitBottle, "JR": redline.UnitJar, "CN": redline.UnitCan,
	"BG": redline.UnitBag, "BX": redline.UnitBox, "PK": redline.UnitPack, "CA": redline.UnitCase,
	"ST": redline.UnitSet, "PR": redline.UnitPair, "KG": redline.UnitKilogram, "LT": redline.UnitLitre,
}

// fail notes a problem of a segment's element; 0 is the segment as a whole.
func (r *advice) fail(s segment, element int, format string, args ...any) {
	sku := ""
	if r.set.item != nil {
		sku = r.set.item.sku
	}
	r.found.add(s.place, s.name(element), sku, format, args...)
}

// stop notes what makes the rest of the interchange meaningless.
func (r *advice) stop(s segment, element int, format string, args ...any) {
	r.fail(s, element, format, args...)
	r.done = true
}

// segment reads one, which has to stand where it may.
func (r *advice) segment(s segment) {
	id := s.id()
	r.since++
	switch {
	case id == "ISA" && r.level == outside && r.isa == nil:
		r.level, r.isa = inInterchange, &s
		r.feed.Test = s.element(15) == "T"
	case id == "GS" && r.level == inInterchange:
		r.level, r.gs, r.sets = inGroup, s, 0
		r.groups++
		if s.element(1) != "IB" {
			r.stop(s, 1, "is %s: an inventory advice comes in a group IB", quoted(s.element(1)))
		}
	case id == "ST" && r.level == inGroup:
		r.level, r.st, r.since, r.set = inSet, s, 1, set{}
		r.sets++
		if s.element(1) != "846" {
			r.stop(s, 1, "is %s: an inventory advice is an 846", quoted(s.element(1)))
		}
	case id == "SE" && r.level == inSet:
		r.endSet(s)
	case id == "GE" && r.level == inGroup:
		r.level = inInterchange
		r.count(s, r.sets, "transaction sets in the group")
		r.repeats(s, 2, r.gs, 6)
	case id == "IEA" && r.level == inInterchange:
		r.level = outside
		r.count(s, r.groups, "groups in the interchange")
		r.repeats(s, 2, *r.isa, 13)
	case r.level == inSet && !slices.Contains([]string{"ISA", "GS", "ST", "GE", "IEA"}, id):
		r.detail(s)
	default:
		r.stop(s, 0, "%s has no place here", quoted(id))
	}
}

// detail reads a segment of an 846.
func (r *advice) detail(s segment) {
	id, t := s.id(), &r.set
	if !t.began && id != "BIA" {
		r.stop(s, 0, "%s stands where BIA has to", quoted(id))
		return
	}
	switch {
	case t.loops > 0 && id != "LE" && id != "LS":
	case id == "LS":
		t.loops++
	case id == "LE":
		if t.loops--; t.loops < 0 {
			r.stop(s, 0, "ends a loop that LS didn't begin")
		}
	case id == "BIA":
		if t.began {
			r.fail(s, 0, "is there twice")
		}
		t.began = true
		t.dates = append(t.dates, s)
		if s.element(1) != "00" {
			r.fail(s, 1, "is %s: only an original, 00, is read", quoted(s.element(1)))
		}
	case id == "DTM":
		if t.item == nil && slices.Contains(asOfQualifiers, s.element(1)) && s.element(2) != "" {
			t.dates = append(t.dates, s)
		}
	case id == "N1":
		r.location(s)
	case id == "LIN":
		r.endItem()
		r.line(s)
	case id == "CTT":
		r.endItem()
		r.count(s, t.lines, "LIN in the set")
		if s.element(2) != "" && !t.sum.is(s.element(2)) {
			r.fail(s, 2, "is %s, and the QTY02 of the set add up to %s", quoted(s.element(2)), t.sum.String())
		}
	case slices.Contains([]string{"QTY", "UIT", "SDQ"}, id):
		switch {
		case t.item == nil:
			r.fail(s, 0, "stands before the first LIN")
		case id == "QTY":
			r.quantity(s)
		case id == "UIT":
			r.unit(s)
		default:
			r.spread(s)
		}
	case !slices.Contains(passedOver, id):
		r.fail(s, 0, "%s is no segment of an 846", quoted(id))
	}
}

// endSet reads SE and works out what the set said.
func (r *advice) endSet(s segment) {
	r.endItem()
	r.level = inGroup
	if r.set.loops > 0 {
		r.fail(s, 0, "ends a set in which a loop begun by LS has no LE")
	}
	r.count(s, r.since, "segments from ST to SE")
	r.repeats(s, 2, r.st, 2)
	if !r.set.began {
		r.fail(s, 0, "ends a set without BIA")
		return
	}
	at, err := r.asOf()
	switch {
	case err != nil:
		r.found.add(err.place, err.where, "", "%s", err.message)
	case r.feed.AsOf == nil || at.Before(*r.feed.AsOf):
		r.feed.AsOf = &at
	}
}

// count checks what a trailer counts in its first element.
func (r *advice) count(s segment, want int, what string) {
	if n, err := strconv.Atoi(s.element(1)); err != nil || n != want {
		r.fail(s, 1, "is %s, and there are %d %s", quoted(s.element(1)), want, what)
	}
}

// repeats checks that a trailer repeats its header's number, with or without
// zeros before it.
func (r *advice) repeats(s segment, element int, header segment, of int) {
	if got, want := s.element(element), header.element(of); strings.TrimLeft(got, "0") != strings.TrimLeft(want, "0") {
		r.fail(s, element, "is %s and %s is %s", quoted(got), header.name(of), quoted(want))
	}
}
