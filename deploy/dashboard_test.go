package deploy_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

type dashboard struct {
	UID           string
	Title         string
	SchemaVersion int
	Panels        []panel
	Annotations   struct {
		List []struct{ Name, Expr string }
	}
	Templating struct {
		List []struct{ Name, Type string }
	}
}

type panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	Datasource  struct{ UID string }
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct {
		RefID      string
		Expr       string
		Datasource struct{ UID string }
	}
	FieldConfig struct {
		Defaults struct {
			Unit       string
			Thresholds struct {
				Steps []struct{ Value *float64 }
			}
		}
		Overrides []struct {
			Properties []struct{ ID string }
		}
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile("grafana/redline.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.UID == "" || d.Title == "" || d.SchemaVersion == 0 || len(d.Panels) == 0 {
		t.Fatalf("the dashboard is %+v", d)
	}
	return d
}

// unit says whether a panel tells what its figures are.
func (p panel) unit() bool {
	if p.FieldConfig.Defaults.Unit != "" {
		return true
	}
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if property.ID == "unit" {
				return true
			}
		}
	}
	return false
}

func TestDashboardIsWhole(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	ids := map[int]string{}
	for i, p := range d.Panels {
		if other, taken := ids[p.ID]; taken || p.ID == 0 {
			t.Errorf("%s has the id %d, as %s", p.Title, p.ID, other)
		}
		ids[p.ID] = p.Title
		g := p.GridPos
		if g.X < 0 || g.Y < 0 || g.W < 1 || g.H < 1 || g.X+g.W > 24 {
			t.Errorf("%s lies at %+v", p.Title, g)
		}
		for _, q := range d.Panels[:i] {
			o := q.GridPos
			if g.X < o.X+o.W && o.X < g.X+g.W && g.Y < o.Y+o.H && o.Y < g.Y+g.H {
				t.Errorf("%s lies on %s", p.Title, q.Title)
			}
		}
		if p.Title == "" {
			t.Errorf("the panel %d has no title", p.ID)
		}
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || !p.unit() || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
			t.Errorf("%s lacks a description, a unit, the data source or a query", p.Title)
		}
		var refs []string
		for _, target := range p.Targets {
			if target.Expr == "" || target.Datasource.UID != "${datasource}" || slices.Contains(refs, target.RefID) {
				t.Errorf("%s has the query %+v", p.Title, target)
			}
			refs = append(refs, target.RefID)
		}
	}
	var variables []string
	for _, v := range d.Templating.List {
		variables = append(variables, v.Name)
	}
	if got := strings.Join(variables, " "); got != "datasource job instance" {
		t.Errorf("its variables are %s", got)
	}
}

func TestDashboardAsksForWhatThereIs(t *testing.T) {
	t.Parallel()
	names := known(t)
	// What Grafana puts in place of its variables.
	values := strings.NewReplacer("$__rate_interval", "1m", "$__range", "3h", "$job", "redline", "$instance", ".*")
	var expressions []string
	add := func(where, expression string) {
		expression = values.Replace(expression)
		if strings.Contains(expression, "$") {
			t.Errorf("%s: %s has a variable that isn't one of the dashboard's", where, expression)
		}
		checkMetrics(t, where, expression, names)
		expressions = append(expressions, expression)
	}
	d := readDashboard(t)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			add(p.Title, target.Expr)
		}
	}
	for _, a := range d.Annotations.List {
		add(a.Name, a.Expr)
	}
	checkExpressions(t, expressions)
}

var (
	alertNames = regexp.MustCompile(`Redline[A-Za-z0-9]+`)
	// bound is what an alert compares with: a number, or a product of numbers.
	bound = regexp.MustCompile(`[<>]=?\s*(\d[\d.]*(?:\s*\*\s*\d[\d.]*)*)`)
)

// A threshold in a panel is one at which an alert fires that the panel names.
func TestDashboardHasTheThresholdsOfTheAlerts(t *testing.T) {
	t.Parallel()
	alerts, _ := rules(t)
	bounds := map[string][]float64{}
	for _, a := range alerts {
		bounds[a.Alert] = []float64{}
		for _, m := range bound.FindAllStringSubmatch(a.Expr, -1) {
			product := 1.0
			for factor := range strings.SplitSeq(m[1], "*") {
				n, err := strconv.ParseFloat(strings.TrimSpace(factor), 64)
				if err != nil {
					t.Fatalf("%s: %v", a.Alert, err)
				}
				product *= n
			}
			bounds[a.Alert] = append(bounds[a.Alert], product)
		}
	}
	near := func(a, b float64) bool { return a-b < 1e-9*b && b-a < 1e-9*b }
	shown := 0
	for _, p := range readDashboard(t).Panels {
		var fires []float64
		for _, name := range alertNames.FindAllString(p.Description, -1) {
			b, there := bounds[name]
			if !there {
				t.Errorf("%s tells of %s, and there is no such alert", p.Title, name)
			}
			fires = append(fires, b...)
		}
		for _, step := range p.FieldConfig.Defaults.Thresholds.Steps {
			if step.Value == nil || p.Title == "Not ready" { // which is a count of checks
				continue
			}
			shown++
			if !slices.ContainsFunc(fires, func(b float64) bool { return near(*step.Value, b) }) {
				t.Errorf("%s has a threshold at %v; its alerts fire at %v", p.Title, *step.Value, fires)
			}
		}
	}
	if shown < 20 {
		t.Errorf("only %d thresholds were compared", shown)
	}
}
