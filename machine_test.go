package redline_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"redline"
)

// updateDiagrams writes the diagrams into the documents:
//
//	go test . -run TestDiagramsInDocuments -update-diagrams
var updateDiagrams = flag.Bool("update-diagrams", false, "write the state diagrams into docs/*.md")

// TestDiagramsInDocuments: behind each line <!-- machine: NAME --> of docs/*.md
// stands the diagram of that table, as the code has it, and each table is shown.
func TestDiagramsInDocuments(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	diagrams := redline.Diagrams()
	shown := map[string]bool{}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		drawn := draw(string(text), func(name string) string {
			shown[name] = true
			if diagrams[name] == "" {
				t.Errorf("%s shows the table %q, which there isn't", page, name)
			}
			return diagrams[name]
		})
		switch {
		case drawn == string(text):
		case *updateDiagrams:
			if err := os.WriteFile(page, []byte(drawn), 0o600); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s has other diagrams than the code; go test . -run TestDiagramsInDocuments -update-diagrams writes it as\n%s", page, drawn)
		}
	}
	for name := range diagrams {
		if !shown[name] {
			t.Errorf("no document has a line <!-- machine: %s -->", name)
		}
	}
}

// draw puts behind each marker of a text the diagram that it names, in the place
// of the one that is there.
func draw(text string, diagram func(name string) string) string {
	const marker, end, open, shut = "<!-- machine: ", " -->\n", "\n```mermaid\n", "```\n"
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, marker)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		name, after, found := strings.Cut(rest, end)
		if !found || strings.Contains(name, "\n") {
			out.WriteString(marker)
			text = rest
			continue
		}
		if old, found := strings.CutPrefix(after, open); found {
			_, after, _ = strings.Cut(old, "\n"+shut)
		}
		out.WriteString(marker + name + end + open + diagram(name) + shut)
		text = after
	}
}

func TestDraw(t *testing.T) {
	t.Parallel()
	diagram := func(name string) string { return "of " + name + "\n" }
	drawn := draw("a\n<!-- machine: x -->\nb\n<!-- machine: y -->\n\n```mermaid\nold\nand older\n```\nc\n", diagram)
	mustEqual(t, drawn, "a\n<!-- machine: x -->\n\n```mermaid\nof x\n```\nb\n<!-- machine: y -->\n\n```mermaid\nof y\n```\nc\n", "the text")
	mustEqual(t, draw(drawn, diagram), drawn, "drawn again")
	mustEqual(t, draw("no marker <!-- machine: x\n -->", diagram), "no marker <!-- machine: x\n -->", "half a marker")
}

// TestMachines: what a table answers is what it says, and a diagram shows all
// of it.
func TestMachines(t *testing.T) {
	t.Parallel()
	m := redline.ShipmentMachine
	mustEqual(t, m.From(redline.ActDeliver), []redline.FulfillmentStatus{redline.ShipmentShipped}, "from where a shipment arrives")
	mustEqual(t, m.To(redline.ShipmentPending), []redline.FulfillmentStatus{redline.ShipmentShipped, redline.ShipmentCancelled}, "what is pending becomes")
	mustEqual(t, m.To(redline.ShipmentPending, redline.ActCancel), []redline.FulfillmentStatus{redline.ShipmentCancelled}, "what is given up becomes")
	mustEqual(t, m.To(redline.ShipmentFailed), []redline.FulfillmentStatus{}, "what is lost becomes")
	mustEqual(t, []bool{m.Can(redline.ShipmentPending, redline.ActShip), m.Can(redline.ShipmentShipped, redline.ActShip)}, []bool{true, false}, "what ships")
	mustEqual(t, m.Mermaid(), `stateDiagram-v2
    [*] --> PENDING
    PENDING --> SHIPPED: ship
    PENDING --> CANCELLED: cancel
    SHIPPED --> DELIVERED: arrive
    SHIPPED --> FAILED: get lost
    CANCELLED --> SHIPPED: ship all the same
    DELIVERED --> [*]
    FAILED --> [*]
`, "the diagram")

	// The rules' table of fulfilment orders, from the other side: nothing leads
	// on from an end but a supplier's word that it has shipped all the same.
	parts := redline.PartMachine
	for _, end := range []redline.FulfillmentOrderStatus{redline.PartRejected, redline.PartCancelled, redline.PartClosed} {
		mustEqual(t, parts.To(end), []redline.FulfillmentOrderStatus{redline.PartClosed}, "what becomes of %s", end)
		mustEqual(t, parts.To(end, redline.ActShipLate), []redline.FulfillmentOrderStatus{redline.PartClosed}, "what becomes of %s, by late word", end)
	}
	open := parts.From(redline.ActShip)
	for _, v := range parts.Moves {
		if f := (&redline.FulfillmentOrder{Status: v.From}); f.IsOpen() != slices.Contains(open, v.From) {
			t.Errorf("%s is open: %v", v.From, f.IsOpen())
		}
	}
}
