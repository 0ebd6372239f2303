package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"redline/telemetry"
)

const metricsDocument = "../../docs/metrics.md"

// described is what a description says of a metric.
var described = regexp.MustCompile(`^Desc\{fqName: "(redline_[a-z_]+)", help: "([^"]+)", unit: "", constLabels: \{\}, variableLabels: \{([a-z,]*)\}\}$`)

// The document's table is that of the registry. With UPDATE_DOCS set it is written.
func TestMetricsDocument(t *testing.T) {
	t.Parallel()
	m := telemetry.New("test")
	m.Register(liveCollector{}, poolCollector{}, limitCollector{}, certificateCollector{}, issuerCollector{})
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		m.Describe(descs)
	}()
	var rows []string
	for d := range descs {
		parts := described.FindStringSubmatch(d.String())
		if parts == nil {
			if strings.Contains(d.String(), `"redline_`) {
				t.Errorf("a description that can't be read: %s", d)
			}
			continue
		}
		labels := "–"
		if parts[3] != "" {
			labels = "`" + strings.ReplaceAll(parts[3], ",", "`, `") + "`"
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |\n", parts[1], labels, parts[2]))
	}
	slices.Sort(rows)
	if len(rows) < 30 {
		t.Fatalf("found only %d metrics", len(rows))
	}
	table := "| metric | labels | what it tells |\n|---|---|---|\n" + strings.Join(rows, "")
	const begin, end = "<!-- from the code: begin -->\n", "<!-- from the code: end -->\n"
	text, err := os.ReadFile(metricsDocument)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	written, after, ends := strings.Cut(rest, end)
	if !found || !ends {
		t.Fatal("the document has no place for the table")
	}
	if os.Getenv("UPDATE_DOCS") != "" {
		if err := os.WriteFile(metricsDocument, []byte(before+begin+table+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if written != table {
		t.Errorf("docs/metrics.md isn't what the code says; `make metrics-table` writes it. It should be:\n%s", table)
	}
}
