package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// rule is an alert, or a figure that is recorded.
type rule struct {
	Alert       string
	Record      string
	Expr        string
	Labels      map[string]string
	Annotations map[string]string
}

const alertsFile = "prometheus/alerts.yml"

// read decodes a YAML file of this folder.
func read[T any](t *testing.T, file string) (content T) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &content); err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
	return content
}

// rules are those of alertsFile, in its order.
func rules(t *testing.T) (alerts, records []rule) {
	t.Helper()
	file := read[struct{ Groups []struct{ Rules []rule } }](t, alertsFile)
	for _, group := range file.Groups {
		for _, r := range group.Rules {
			if r.Alert != "" {
				alerts = append(alerts, r)
			} else {
				records = append(records, r)
			}
		}
	}
	if len(alerts) == 0 || len(records) == 0 {
		t.Fatalf("%s has %d alerts and records %d figures", alertsFile, len(alerts), len(records))
	}
	return alerts, records
}

// promtool runs Prometheus' own tool. Without one the test is skipped; in CI, where
// .ci/promtool fetches it first, it fails.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		tool, err = filepath.Abs("../.tools/promtool")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal("there is no promtool; .ci/promtool fetches it")
			}
			t.Skip("there is no promtool; `make promtool` fetches it")
		}
	}
	if said, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, said)
	}
}

func ruleTests(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("prometheus/*_test.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no tests of the rules", err)
	}
	return files
}

func TestRulesAreValid(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", alertsFile)
}

// When each alert fires, with which words, and when it doesn't.
func TestRulesDoWhatTheirTestsSay(t *testing.T) {
	t.Parallel()
	for _, file := range ruleTests(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			promtool(t, "test", "rules", file)
		})
	}
}

// An alert that no test makes fire may be one that can't, and one that no test keeps
// quiet may fire all the time.
func TestEachAlertIsTestedBothWays(t *testing.T) {
	t.Parallel()
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, file := range ruleTests(t) {
		content := read[struct {
			Tests []struct {
				AlertRuleTest []struct {
					Alertname string
					ExpAlerts []any `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}](t, file)
		for _, test := range content.Tests {
			for _, look := range test.AlertRuleTest {
				if len(look.ExpAlerts) > 0 {
					fires[look.Alertname] = true
				} else {
					quiet[look.Alertname] = true
				}
			}
		}
	}
	alerts, _ := rules(t)
	for _, a := range alerts {
		if !fires[a.Alert] || !quiet[a.Alert] {
			t.Errorf("%s: a test makes it fire: %t; one keeps it quiet: %t", a.Alert, fires[a.Alert], quiet[a.Alert])
		}
		delete(fires, a.Alert)
	}
	for name := range fires {
		t.Errorf("a test tells of %s, and there is no such alert", name)
	}
}

// section is a heading of Markdown, and where it leads to.
var section = regexp.MustCompile(`(?m)^#+ (.+)$`)

// anchor is a heading's as GitHub makes it.
func anchor(heading string) string {
	return regexp.MustCompile(`[^a-z0-9_ -]`).ReplaceAllString(strings.ToLower(heading), "")
}

func TestEachAlertSaysWhatItIsAndLeadsToItsSection(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	anchors := map[string]bool{}
	var told []string
	for _, m := range section.FindAllSubmatch(text, -1) {
		heading := string(m[1])
		anchors[strings.ReplaceAll(anchor(heading), " ", "-")] = true
		if strings.HasPrefix(heading, "Redline") && !strings.Contains(heading, " ") {
			told = append(told, heading)
		}
	}
	alerts, _ := rules(t)
	names := map[string]bool{}
	for _, a := range alerts {
		if names[a.Alert] {
			t.Errorf("there are two alerts %s", a.Alert)
		}
		names[a.Alert] = true
		if want := "docs/operations.md#" + strings.ToLower(a.Alert); a.Annotations["runbook_url"] != want {
			t.Errorf("%s leads to %s; want %s", a.Alert, a.Annotations["runbook_url"], want)
		}
		if !anchors[strings.ToLower(a.Alert)] {
			t.Errorf("docs/operations.md has no section on %s", a.Alert)
		}
		if a.Annotations["summary"] == "" || a.Annotations["description"] == "" {
			t.Errorf("%s doesn't say what it is", a.Alert)
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, a.Labels["severity"]) {
			t.Errorf("%s has the severity %q", a.Alert, a.Labels["severity"])
		}
	}
	for _, name := range told {
		if !names[name] {
			t.Errorf("docs/operations.md tells of %s, and there is no such alert", name)
		}
	}
	// What a section says to look at next has to be there, too.
	for _, link := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllSubmatch(text, -1) {
		if !anchors[string(link[1])] {
			t.Errorf("docs/operations.md links to #%s, which isn't there", link[1])
		}
	}
}

// checkExpressions has promtool parse expressions, as rules that record them.
func checkExpressions(t *testing.T, expressions []string) {
	t.Helper()
	type record struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	var all []record
	for i, e := range expressions {
		all = append(all, record{fmt.Sprintf("expression:%d", i), e})
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "expressions", "rules": all}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "expressions.yml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", file)
}
