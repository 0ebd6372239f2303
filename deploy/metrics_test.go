package deploy_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// parts of PromQL that name no metric: texts, matchers, ranges, and the labels of
// aggregations and matchings.
var unnamed = []*regexp.Regexp{
	regexp.MustCompile(`"(?:[^"\\]|\\.)*"`),
	regexp.MustCompile(`\{[^{}]*\}`),
	regexp.MustCompile(`\[[^\]]*\]`),
	regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`),
}

var (
	identifier = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*(\s*\()?`)
	keywords   = []string{"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right", "e"}
)

// metricsOf are the names of the metrics in an expression.
func metricsOf(expression string) []string {
	for _, part := range unnamed {
		expression = part.ReplaceAllString(expression, " ")
	}
	var names []string
	for _, word := range identifier.FindAllString(expression, -1) {
		if !strings.HasSuffix(word, "(") && !slices.Contains(keywords, word) && !slices.Contains(names, word) {
			names = append(names, word)
		}
	}
	return names
}

func TestMetricsOf(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`up{job="redline"} == 0`: "up",
		`sum by (job, le) (rate(a_bucket{x=~"b|c{"}[5m])) / on (job) group_left (d) e:f:sum > 0.1 * 3`: "a_bucket e:f:sum",
		`time() - (max by(k) (last_seconds) > 0) unless absent(other)`:                                 "last_seconds other",
	} {
		if got := strings.Join(metricsOf(expression), " "); got != want {
			t.Errorf("%s: %s; want %s", expression, got, want)
		}
	}
}

// known are the metrics that there are: the product's, as docs/metrics.md lists them, Go's
// and the process's, as the client library makes them, those that are recorded, and
// Prometheus' own.
func known(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{"up": true, "ALERTS": true}
	text, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile("`(redline_[a-z0-9_]+)").FindAllSubmatch(text, -1) {
		names[string(name[1])] = true
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		names[family.GetName()] = true
	}
	_, records := rules(t)
	for _, r := range records {
		names[r.Record] = true
	}
	return names
}

// checkMetrics fails for each metric of an expression that isn't known.
func checkMetrics(t *testing.T, where, expression string, names map[string]bool) {
	t.Helper()
	for _, name := range metricsOf(expression) {
		base := name
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			base = strings.TrimSuffix(base, suffix)
		}
		if !names[name] && !names[base] {
			t.Errorf("%s: there is no metric %s", where, name)
		}
	}
}

func TestRulesNameMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	names := known(t)
	alerts, records := rules(t)
	for _, r := range slices.Concat(alerts, records) {
		if len(metricsOf(r.Expr)) == 0 {
			t.Errorf("%s%s looks at no metric", r.Alert, r.Record)
		}
		checkMetrics(t, r.Alert+r.Record, r.Expr, names)
	}
	// The tests of the rules as well: with other names they would show nothing.
	for _, file := range ruleTests(t) {
		content := read[struct {
			Tests []struct {
				InputSeries []struct{ Series string } `yaml:"input_series"`
			}
		}](t, file)
		for _, test := range content.Tests {
			for _, input := range test.InputSeries {
				checkMetrics(t, file, input.Series, names)
			}
		}
	}
}
