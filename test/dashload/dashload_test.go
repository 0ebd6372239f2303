package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"redline/test/internal/measure/measuretest"
)

func TestMain(m *testing.M) { measuretest.Run(m) }

// The whole way, short: the page is told of each change once and shows what there is, or
// the run fails; and the table has a row for each use. What it took isn't judged here.
func TestDashboardLoadShort(t *testing.T) {
	t.Parallel()
	clients := filepath.Join("..", "clients")
	measuretest.NeedNode(t, clients)
	chromium := measuretest.NeedChromium(t)
	table := filepath.Join(t.TempDir(), "dashboard.md")
	if err := os.WriteFile(table, []byte("before\n"+tableBegin+"\nthe former one\n"+tableEnd+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := run(t.Context(), []string{
		"--redline", measuretest.Server(t), "--clients", clients, "--chromium", chromium,
		"--levels", "2000", "--rate", "100", "--minutes", "0.02", "--window", "300ms", "--judge=false", "--write", table,
	}, nil, &out)
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	for name, title := range titles {
		if !regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(title) + ` \| [1-9][0-9]* \| [0-9.]+ \|`).Match(text) {
			t.Errorf("the table has no row of %s", name)
		}
	}
	if !strings.HasPrefix(string(text), "before\n") || !strings.HasSuffix(string(text), "\nafter\n") || strings.Contains(string(text), "former") {
		t.Errorf("the table took the place of more, or less, than the old one: %s", text)
	}
}

// The slope is that of the line which is nearest.
func TestSlope(t *testing.T) {
	t.Parallel()
	for want, looks := range map[float64][]memory{
		0:  {{Minutes: 2, Heap: 10}},
		10: {{Minutes: 2, Heap: 100}, {Minutes: 3, Heap: 110}, {Minutes: 5, Heap: 130}},
		-5: {{Minutes: 0, Heap: 30}, {Minutes: 1, Heap: 10}, {Minutes: 2, Heap: 20}},
	} {
		if got := slope(looks); math.Abs(got-want) > 1e-9 {
			t.Errorf("the slope of %v is %v; want %v", looks, got, want)
		}
	}
}

// What is promised is judged: each broken promise is told of.
func TestJudgement(t *testing.T) {
	t.Parallel()
	ms := func(n int, of float64) []float64 {
		return append(make([]float64, 1000-n), slices.Repeat([]float64{of}, n)...)
	}
	use := func(frames, tasks []float64) *page {
		return &page{uses: []*use{{name: "still", frames: frames, tasks: tasks}}}
	}
	heap := func(of ...int64) *page {
		p := &page{}
		for i, n := range of {
			p.memory = append(p.memory, memory{Minutes: float64(i), Heap: n})
		}
		return p
	}
	for name, c := range map[string]struct {
		judged func() error
		want   string
	}{
		"all well":     {func() error { return (&page{end: line{Events: 3, Levels: 2, Units: 9}}).correct(3, 2, 9) }, ""},
		"missed":       {func() error { return (&page{end: line{Events: 2, Levels: 2, Units: 9}}).correct(3, 2, 9) }, "told of 2 changes"},
		"told twice":   {func() error { return (&page{end: line{Events: 3, Refused: 1, Levels: 2, Units: 9}}).correct(3, 2, 9) }, "refused 1"},
		"wrong":        {func() error { return (&page{end: line{Events: 3, Levels: 2, Units: 8}}).correct(3, 2, 9) }, "shows 8 units"},
		"fast":         {func() error { return use(ms(2, 60), ms(2, 60)).fast() }, ""},
		"slow frames":  {func() error { return use(ms(3, 60), ms(0, 0)).fast() }, "3 of 1000 frames"},
		"slow tasks":   {func() error { return use(ms(0, 0), ms(3, 60)).fast() }, "3 of 1000 tasks"},
		"nothing seen": {func() error { return use(nil, ms(0, 0)).fast() }, "0 of 0 frames"},
		"steady":       {func() error { return heap(5, 50, 100, 90, 110).steady() }, ""},
		"growing":      {func() error { return heap(5, 50, 100, 90, 111).steady() }, "100 bytes of heap"},
		"short":        {func() error { return heap(5, 50, 100).steady() }, ""},
		"in time":      {func() error { return (&changes{rate: 100, made: 950, took: 10 * time.Second}).kept() }, ""},
		"behind":       {func() error { return (&changes{rate: 100, made: 949, took: 10 * time.Second}).kept() }, "95 changes a second"},
	} {
		if err := c.judged(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
}
