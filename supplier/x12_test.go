package supplier_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"redline"
	"redline/supplier"
)

// isa is an interchange's header, of the widths that it has to have.
func isa(separator, component string) string {
	return strings.Join([]string{"ISA", "00", "          ", "00", "          ", "ZZ", "CAJUN          ", "ZZ", "REDLINE        ",
		"261123", "0410", "U", "00401", "000000905", "0", "P", component}, separator)
}

const group = "GS*IB*CAJUN*REDLINE*20261123*0410*905*X*004010"

// interchange makes a document of one 846 with these segments after BIA and
// before CTT, and trailers that are right.
func interchange(segments ...string) string {
	lines := 0
	for _, s := range segments {
		if strings.HasPrefix(s, "LIN") {
			lines++
		}
	}
	all := append([]string{isa("*", ">"), group, "ST*846*0001", "BIA*00*SI*905*20261123*0405"}, segments...)
	all = append(all, fmt.Sprintf("CTT*%d", lines), fmt.Sprintf("SE*%d*0001", len(segments)+4), "GE*1*905", "IEA*1*000000905")
	return strings.Join(all, "~\n") + "~\n"
}

func TestX12(t *testing.T) {
	t.Parallel()
	x12 := supplier.X12{}
	feed := reads(t, x12, interchange(
		"DTM*036*20301231", "DTM*007*20261122*1730*ET", "N1*SU*New Orleans*92*1", "N3*P.O. Box 78934", "N1*WH*Nola*92*nola", "REF*IA*1",
		"LIN*1*UP*012345678905*VN*65", "PID*F****Sauce", "DTM*405*20200101", "QTY*33*76*CA", "QTY*63*40*CA", "UIT*CA",
		"LIN**SK*66", "UIT*BO", "QTY*33*0", "N1*WH**92*annex",
		"LIN**XX*9*EN*5901234123457", "QTY*33*12*EA>1>1", "LS*SCH", "QTY*33*99*BX", "SCH*1*EA", "LE*SCH"),
		"11: 65 76 CASE at nola", "17: 66 0 BOTTLE at annex", "21: 5901234123457 12 PIECE at nola")
	if measured(feed) != redline.FeedAvailable || timed(feed) != "2026-11-22T22:30:00Z" || feed.Test {
		t.Errorf("%s as of %s, test %t", measured(feed), timed(feed), feed.Test)
	}

	feed = reads(t, x12, interchange("LIN**VN*65", "QTY*33*70", "QTY*17*76", "LIN**VN*66", "QTY*17*5"), "5: 65 76", "8: 66 5")
	if measured(feed) != redline.FeedOnHand || timed(feed) != "2026-11-23T04:05:00Z" {
		t.Errorf("%s as of %s", measured(feed), timed(feed))
	}

	reads(t, x12, interchange("LIN**VN*65", "SDQ*CA*92*nola*70*annex*6", "QTY*17*76*CA"), "6: 65 70 CASE at nola", "6: 65 6 CASE at annex")

	// Other separators, no newlines, two groups and three sets.
	other := strings.NewReplacer("*", "|", "~\n", "'", ">", "^")
	two := isa("*", ">") + "~\n" + group + "~\nST*846*1~\nBIA*00*SI*1*20261123*0400~\nLIN**VN*65~\nQTY*17*1~\nCTT*1*1~\nSE*6*1~\n" +
		"ST*846*2~\nBIA*00*SI*1*20261123*0300~\nLIN**VN*66~\nQTY*17*2~\nSE*5*2~\nGE*2*905~\n" +
		"GS*IB*CAJUN*REDLINE*20261123*0410*906*X*004010~\nST*846*3~\nBIA*00*SI*1*20261123*0500~\nLIN**VN*67~\nQTY*17*3~\nSE*5*3~\nGE*1*0906~\nIEA*2*905~\n"
	if feed := reads(t, x12, other.Replace(two), "5: 65 1", "11: 66 2", "18: 67 3"); timed(feed) != "2026-11-23T03:00:00Z" {
		t.Errorf("of three sets, %s counts", timed(feed))
	}
	if feed := reads(t, x12, strings.Replace(interchange("LIN**VN*65", "QTY*17*1"), "*P*>", "*T*>", 1), "5: 65 1"); !feed.Test {
		t.Error("a test isn't known as one")
	}
	reads(t, x12, interchange("LIN**VN*65", "QTY*29*1.5*EA", "QTY*33*1"), "5: 65 1")
}

// When it was so: DTM before BIA, zones, and what has no time.
func TestX12AsOf(t *testing.T) {
	t.Parallel()
	tokyo := time.FixedZone("Tokyo", 9*3600)
	for _, test := range []struct {
		zone *time.Location
		dtm  string
		want string
	}{
		{nil, "DTM*007*20261122*1730*UT", "2026-11-22T17:30:00Z"},
		{tokyo, "DTM*007*20261122*1730*UT", "2026-11-22T17:30:00Z"},
		{tokyo, "DTM*007*20261122*1730", "2026-11-22T08:30:00Z"},
		{nil, "DTM*007*20261122*173015*ES", "2026-11-22T22:30:15Z"},
		{nil, "DTM*007*20261122*17301525*09", "2026-11-22T08:30:15.25Z"},
		{nil, "DTM*007*20261122*1730155*20", "2026-11-22T22:30:15.5Z"},
		{nil, "DTM*007*20261122", "2026-11-22T00:00:00Z"},
		{tokyo, "DTM*007*20261122", "2026-11-21T15:00:00Z"},
		{nil, "DTM*007*20261123", "2026-11-23T04:10:00Z"}, // of the group's day
		{nil, "DTM*050*20261120", "2026-11-20T00:00:00Z"},
		{nil, "DTM*097*20261120~\nDTM*405*20261121", "2026-11-21T00:00:00Z"},
		{nil, "DTM*036*20301231", "2026-11-23T04:05:00Z"},
		{nil, "DTM*007*****RD8*20261101-20261130", "2026-11-23T04:05:00Z"},
		{nil, "DTM*007*20260308*1200*ET", "2026-03-08T16:00:00Z"}, // the day on which clocks go forward
	} {
		document := interchange(test.dtm, "LIN**VN*65", "QTY*17*1")
		document = strings.Replace(document, "SE*7*", fmt.Sprintf("SE*%d*", 7+strings.Count(test.dtm, "~")), 1)
		feed, err := supplier.X12{Zone: test.zone}.Read("stock", strings.NewReader(document))
		if err != nil || timed(feed) != test.want {
			t.Errorf("%s in %s: %v, %v; want %s", test.dtm, test.zone, feed, err, test.want)
		}
	}
}

func TestX12Refuses(t *testing.T) {
	t.Parallel()
	x12 := supplier.X12{}
	item := []string{"LIN**VN*65", "QTY*33*1"}
	with := func(segments ...string) string { return interchange(append(segments, item...)...) }
	swap := func(from, to string) string { return strings.Replace(with(), from, to, 1) }

	// Items: all that is wrong is told, by segment and element.
	refuses(t, x12, interchange("LIN**VN*65", "QTY*33*12.5", "LIN**XX*1", "QTY*33*1", "LIN**VN*67", "QTY*33*5*ZZ", "LIN**VN*68", "LIN**VN*69", "QTY*33*1*CA>2",
		"LIN**VN*70", "QTY*33*x", "QTY*33*1", "QTY*33*2"),
		`segment 6, QTY02: "12.5" is not a whole number`,
		`segment 7, LIN: has no number of a qualifier that is known: VN, VP`,
		`segment 10, QTY03: "ZZ" is not a unit that is known: there are BG, BO`,
		`segment 11: the item has no QTY 33 or 17`,
		`segment 13, QTY03: is a power or a multiple of CA`,
		`segment 15, QTY02: "x" is not a number`,
		`segment 17, QTY01: is "33" a second time for one item`)
	refuses(t, x12, interchange("LIN**VN*65", "QTY*33*1", "LIN**VN*66", "QTY*17*1"),
		`segment 7: item "66" has no QTY 33 (available for sale), and item "65" of segment 5 no QTY 17 (on hand): a document has one measure`)
	refuses(t, x12, interchange("LIN**VN*65", "UIT*EA", "QTY*33*1*CA"), "segment 5: QTY says CASE and UIT PIECE")
	refuses(t, x12, interchange("LIN**VN*65", "UIT*EA", "UIT*CA", "QTY*33*1"), `segment 7, UIT01: is "CA" after another unit`)
	refuses(t, x12, interchange("LIN**VN*65", "SDQ*EA*92*a*1*b*2", "QTY*33*4"), "segment 5: SDQ adds up to 3 and QTY is 4")
	refuses(t, x12, interchange("LIN**VN*65", "SDQ*EA*92*a*1", "QTY*33*1*CA"), "segment 5: SDQ says PIECE and QTY CASE")
	refuses(t, x12, interchange("LIN**VN*65", "SDQ*EA*92*a*1", "QTY*33*1", "QTY*17*1"), "segment 5: has SDQ beside QTY 33 and QTY 17")
	refuses(t, x12, interchange("LIN**VN*65", "SDQ*EA*92**1*b*x", "QTY*33*1"), "segment 6, SDQ03: is empty", `segment 6, SDQ06: "x" is not`)
	refuses(t, x12, interchange("LIN**VN*65", "N1*WH**92*a", "N1*WH**92*b", "QTY*33*1"), `segment 7, N104: is "b" after "a": quantities at several locations come in SDQ`)
	refuses(t, x12, with("N1*WH*Nola"), "segment 5, N104: is empty")
	refuses(t, x12, with("QTY*33*1"), "segment 5, QTY: stands before the first LIN")
	refuses(t, x12, with("XYZ*1"), `segment 5, XYZ: "XYZ" is no segment of an 846`)
	refuses(t, x12, with("LS*1"), "SE: ends a set in which a loop begun by LS has no LE")
	refuses(t, x12, interchange(), "the document: has no row")

	// The date.
	refuses(t, x12, with("DTM*007*20261322"), `segment 5, DTM02: "20261322" is not a date`)
	refuses(t, x12, with("DTM*007*20261122*2530"), `segment 5, DTM03: "2530" is not a time of day`)
	refuses(t, x12, with("DTM*007*20261122*173"), `segment 5, DTM03: "173" is not a time`)
	refuses(t, x12, with("DTM*007*20261122*1730*LT"), `segment 5, DTM04: "LT" is not a time zone that is known`)

	// What is counted and repeated.
	refuses(t, x12, swap("BIA*00", "BIA*04"), `segment 4, BIA01: is "04": only an original`)
	refuses(t, x12, swap("CTT*1", "CTT*2"), `segment 7, CTT01: is "2", and there are 1 LIN in the set`)
	refuses(t, x12, swap("CTT*1", "CTT*1*9"), `segment 7, CTT02: is "9", and the QTY02 of the set add up to 1`)
	refuses(t, x12, swap("SE*6*0001", "SE*7*0002"), `segment 8, SE01: is "7", and there are 6 segments from ST to SE`, `segment 8, SE02: is "0002" and ST02 is "0001"`)
	refuses(t, x12, swap("GE*1*905", "GE*2*906"), `GE01: is "2", and there are 1 transaction sets`, `GE02: is "906" and GS06 is "905"`)
	refuses(t, x12, swap("IEA*1*000000905", "IEA*2*000000906"), `IEA01: is "2", and there are 1 groups`, `IEA02: is "000000906" and ISA13 is "000000905"`)

	// The envelope.
	refuses(t, x12, swap("GS*IB", "GS*PO"), `segment 2, GS01: is "PO": an inventory advice comes in a group IB`)
	refuses(t, x12, swap("ST*846", "ST*850"), `segment 3, ST01: is "850"`)
	refuses(t, x12, swap("BIA*", "XIA*"), `segment 4, XIA: "XIA" stands where BIA has to`)
	refuses(t, x12, with()+isa("*", ">")+"~", `segment 11, ISA: "ISA" has no place here`)
	refuses(t, x12, strings.Replace(with(), "IEA*1*000000905~\n", "", 1), "the document: ends before the interchange does: there is no IEA")
	refuses(t, x12, strings.TrimSuffix(with(), "~\n"), "has no terminator '~'")
	refuses(t, x12, "sku,qty\n65,1\n", "segment 1: an interchange begins with ISA")
	refuses(t, x12, "ISA*00*short~", "segment 1: ISA has 13 characters")
	refuses(t, x12, strings.Replace(with(), "CAJUN          ", "CAJUN", 1), "where its fixed widths put the separator '*'")
	refuses(t, x12, isa("A", ">")+"~", "'A' can't be a separator")
	refuses(t, x12, isa("*", "*")+"~", "'*' can't be a separator")
	refuses(t, x12, with(strings.Repeat("N3*x", 20000)), "segment 5: is longer than 64 KiB")
}

func FuzzX12(f *testing.F) {
	for _, seed := range []string{
		interchange("LIN**VN*65", "QTY*33*76*CA"),
		interchange("DTM*007*20261122*1730*ET", "N1*WH**92*nola", "LIN*1*UP*1*VN*65", "UIT*CA", "SDQ*CA*92*a*1*b*2", "QTY*17*3", "LS*1", "SCH*1", "LE*1"),
		interchange("LIN**VN*65", "QTY*33*1.5", "QTY*17*-1"),
		isa("|", "^") + "'GS|IB|||20261123|0410|1'",
	} {
		f.Add(seed)
	}
	header := isa("*", ">") + "~" + group + "~ST*846*1~BIA*00*SI*1*20261123*0400~"
	for _, seed := range []string{
		"LIN**VN*65~QTY*33*76*CA~CTT*1~SE*5*1~GE*1*905~IEA*1*905~",
		"DTM*007*20261122*1730*ET~N1*WH**92*nola~LIN*1*UP*1*VN*65~UIT*CA~SDQ*CA*92*a*1*b*2~QTY*17*3~LS*1~SCH*1~LE*1~SE*12*1~GE*1*905~IEA*1*905~",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, document string) {
		sound(t, supplier.X12{}, document)
		sound(t, supplier.X12{}, header+document) // few inputs get past ISA by themselves
	})
}
