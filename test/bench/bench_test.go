package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"redline/test/internal/measure"
	"redline/test/internal/measure/measuretest"
)

// TestMain also plays the roles that the orchestrator gives to processes of
// this program's own.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == roleLimit || os.Args[1] == roleLoad) {
		main()
		return
	}
	measuretest.Run(m)
}

// The whole way, as small as can be: every answer is checked, every order is
// there, and the table has a ratio in each row that is to have one.
func TestBenchShort(t *testing.T) {
	t.Parallel()
	table := filepath.Join(t.TempDir(), "performance.md")
	if err := os.WriteFile(table, []byte("before\n"+tableBegin+"\nold\n"+tableEnd+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := run(t.Context(), []string{
		"--redline", measuretest.Server(t), "--products", "1600", "--orders", "1300", "--items", "300", "--rounds", "1", "--seconds", "0.2", "--warmup", "10ms",
		"--conns", "4", "--clients", "2", "--only", "q1,q2,q3,place-hot,feed,changes", "--write", table,
	}, nil, &out)
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`(?s)^before\n<!-- table: begin.*<!-- table: end -->\nafter\n$`,
		`\| Q1 \| 4 \| limit \|  \| [0-9]+ % \| [1-9]`, `\| Q1 \| 4 \| flat rows \| [0-9]+ % \|  \| [1-9]`,
		`\| Q1 \| 4 \| Redline \| [0-9]+ % \| [0-9]+ % \| [1-9]`, `\| Q2 \| 4 \| Redline \| [0-9]+ % \| [0-9]+ % \| [1-9]`,
		`\| Q3 \| 4 \| Redline \| [0-9]+ % \| [0-9]+ % \| [1-9]`,
		`\| hot \| 2 \| Redline \| .* \| [1-9][0-9]* \| [0-9.]+ \| [0-9.]+ \|`,
		`\| orderPlace \| 2 \|  \| [1-9]`, `\| reservationCreate \| 2 \| [0-9.]+ × \| [1-9]`, `\| reservationRelease \| 2 \| [0-9.]+ × \| [1-9]`,
		`\| orderPlace of a reservation \| 2 \| [0-9.]+ × \| [1-9]`, `\| fulfillmentCreate, a part \| 2 \| [0-9.]+ × \| [1-9]`,
		`\| fulfillmentCreate, the rest \| 2 \| [0-9.]+ × \| [1-9]`, `\| fulfillmentMarkDelivered \| 2 \| [0-9.]+ × \| [1-9]`,
		`\| returnCreate \| 2 \| [0-9.]+ × \| [1-9]`, `\| returnReceive \| 2 \| [0-9.]+ × \| [1-9]`,
		`\| PARTIAL \| all \| – \| [0-9.]+ \| [0-9.]+ \| [1-9]`, `\| PARTIAL \| 1 % \| – \| [0-9.]+ \| [0-9.]+ \| [1-9]`,
		`\| PARTIAL \| none \| – \| [0-9.]+ \| [0-9.]+ \| [1-9]`, `\| FULL \| all \| – \| [0-9.]+ \| [0-9.]+ \| [1-9]`,
		`\| FULL \| 1 % \| – \| [0-9.]+ \| [0-9.]+ \| [1-9]`, `\| FULL \| none \| – \| [0-9.]+ \| [0-9.]+ \| [1-9]`,
		`\| FULL \| all \| 4 clients \| [0-9.]+ \| [0-9.]+ \| [1-9]`, `\| FULL \| none \| 4 clients \| [0-9.]+ \| [0-9.]+ \| [1-9]`,
		`\| no feed \| 4 \|  \| [1-9]`, `\| FULL, all changed \| 4 \| [0-9]+ % \| [1-9]`, `\| FULL, none changed \| 4 \| [0-9]+ % \| [1-9]`,
		`The aim of less than 2s a feed while orders are placed was (not )?held: of [1-9]`,
	} {
		if !regexp.MustCompile(want).Match(text) {
			t.Errorf("the table has nothing like %s:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "old") {
		t.Error("the old table is still there")
	}
	if !strings.Contains(string(text), "no pgbench") && !regexp.MustCompile(`\| hot \| 2 \| Redline \| [0-9.]+ × \| [0-9.]+ × \|`).Match(text) {
		t.Errorf("there is no ratio to pgbench:\n%s", text)
	}
	// More pages than the first of each of the demo's categories.
	if !regexp.MustCompile(`q1: .*\n +([4-9][0-9]|[0-9]{3,}) different requests`).MatchString(out.String()) {
		t.Error("it asked for no page but the first")
	}
	said := regexp.MustCompile(`(\d+) answers were checked; (\d+) orders were acknowledged`).FindStringSubmatch(out.String())
	if said == nil || len(said[1]) < 4 || said[2] == "0" {
		t.Errorf("it says of what it checked: %v", said)
	}
}

// What is broken off leaves nothing behind: no process, and no directory.
func TestBenchBrokenOff(t *testing.T) {
	t.Parallel()
	server := measuretest.Server(t)
	measuretest.BrokenOff(t, "q1:", func(ctx context.Context, dir string, out io.Writer) error {
		return run(ctx, []string{"--redline", server, "--dir", dir, "--products", "800", "--orders", "1300", "--only", "q1"}, nil, out)
	})
}

func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--only", "q9"}, {"--clients", "0"}, {"--clients", "1,many"}, {"--rounds", "0"}, {"--seconds", "0"}, {"--items", "99"}, {"more"},
	} {
		if _, err := parseOptions(args); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}

func TestSameJSON(t *testing.T) {
	t.Parallel()
	const want = `{"data":{"a":[{"n":1,"s":"x","z":null}]}}`
	for got, same := range map[string]bool{
		want: true,
		`{"data":{"a":[{"z":null,"s":"x","n":1}]}}`: true,
		`{"data":{"a":[{"n":2,"s":"x","z":null}]}}`: false,
		`{"data":{"a":[{"n":1,"s":"x"}]}}`:          false,
		`{"data":{"a":[]}}`:                         false,
		`{"data":{"a":[{"n":1,"s":"x","z":0}]}}`:    false,
		`{"data":null,"errors":[]}`:                 false,
		`not JSON`:                                  false,
	} {
		if err := sameJSON([]byte(want), []byte(got)); (err == nil) != same {
			t.Errorf("%s: %v", got, err)
		}
	}
}

// A wrong answer fails the run: the first one by its fields, a later one
// because it is another than the first.
func TestReadBookRefusesWrongAnswers(t *testing.T) {
	t.Parallel()
	book := newReadBook(job{Reads: []read{{Line: "GET /x", Want: []byte(`{"n": 1}`)}}})
	for _, step := range []struct {
		status int
		body   string
		right  bool
	}{{200, `{"n":2}`, false}, {500, `{"n":1}`, false}, {200, `{"n":1}`, true}, {200, `{"n":1}`, true}, {200, `{"n":1} `, false}, {500, `{"n":1}`, false}} {
		if err := book.check(0, step.status, []byte(step.body)); (err == nil) != step.right {
			t.Errorf("status %d, %s: %v", step.status, step.body, err)
		}
	}
	if n := book.checked.Load(); n != 2 {
		t.Errorf("%d answers count as checked", n)
	}
}

func TestPercentileAndMedian(t *testing.T) {
	t.Parallel()
	var all []time.Duration
	for i := range 200 {
		all = append(all, time.Duration(i+1)*time.Millisecond)
	}
	if p50, p99, of := percentile(all, 50), percentile(all, 99), percentile(all[:1], 99); p50 != 100 || p99 != 198 || of != 1 {
		t.Errorf("p50 %v, p99 %v, of one %v", p50, p99, of)
	}
	if m := measure.Median([]float64{9, 1, 5}); m != 5 {
		t.Errorf("the median of three is %v", m)
	}
	if m := measure.Median([]float64{1, 9, 5, 6}); m != 5.5 {
		t.Errorf("the median of four is %v", m)
	}
	// Round by round, so that a slow machine in one round changes nothing.
	if r := (series{{Rate: 50}, {Rate: 5}, {Rate: 60}}).to(series{{Rate: 100}, {Rate: 10}, {Rate: 100}}); r != 0.5 {
		t.Errorf("the ratio is %v", r)
	}
}

func TestWriteTableWantsItsPlace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.md")
	if err := measure.WriteTable(path, tableBegin, tableEnd, "t"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it returned %v", err)
	}
	if err := os.WriteFile(path, []byte(tableEnd+tableBegin), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := measure.WriteTable(path, tableBegin, tableEnd, "t"); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", tableBegin)) {
		t.Errorf("it returned %v", err)
	}
}

// What is faster than the limit is said to be, under the table.
func TestTableOwnsThatTheLimitIsNone(t *testing.T) {
	t.Parallel()
	r := &results{}
	c := r.add("q1", "x", 4)
	c.add(systemLimit, measurement{Rate: 100})
	c.add(systemFlat, measurement{Rate: 90})
	c.add(systemRedline, measurement{Rate: 120})
	const remark = "At Q1 the limit is no limit: Redline reached 120 % of it."
	if text := r.markdown(""); !strings.Contains(text, remark) || strings.Contains(text, "flat rows reached") {
		t.Errorf("it says:\n%s", text)
	}
	c.series[systemRedline][0].Rate = 80
	if text := r.markdown(""); strings.Contains(text, "no limit") {
		t.Errorf("it says:\n%s", text)
	}
}

// An answer to a feed that isn't what it has to be fails the run.
func TestFeedAnswersAreChecked(t *testing.T) {
	t.Parallel()
	const rows = `"rows":[{"index":0,"userErrors":[]},{"index":1,"userErrors":[]}]`
	for text, right := range map[string]bool{
		`"applied":1,"unchanged":1,` + rows:                                                            true,
		`"applied":2,"unchanged":0,` + rows:                                                            false,
		`"applied":1,"unchanged":0,"rejected":1,` + rows:                                               false,
		`"applied":1,"unchanged":1,"conflicts":[{"id":"conf_1"}],` + rows:                              false,
		`"applied":1,"unchanged":1,"userErrors":[{"code":"INVALID"}],` + rows:                          false,
		`"applied":1,"unchanged":1,"rows":[{"index":0}]`:                                               false,
		`"applied":1,"unchanged":1,"rows":[{"index":1},{"index":0}]`:                                   false,
		`"applied":1,"unchanged":1,"rows":[{"index":0},{"index":1,"userErrors":[{"code":"INVALID"}]}]`: false,
	} {
		var a feedAnswer
		if err := json.Unmarshal([]byte(`{"data":{"supplierFeedSubmit":{`+text+`}}}`), &a); err != nil {
			t.Fatal(err)
		}
		if err := a.check(2, 1); (err == nil) != right {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Under the tables it says whether the aim for feeds was met, and how much memory grew.
func TestFeedVerdict(t *testing.T) {
	t.Parallel()
	r := &results{}
	r.addFeeds(4)
	flat := []int64{50, 100, 90, 100, 100, 100, 100, 100, 100, 105}
	r.addFeed(feedKinds[0], false, feedRun{rows: 1, took: []time.Duration{5 * time.Second}, peaks: flat})
	r.addFeed(feedKinds[3], true, feedRun{rows: 1, took: []time.Duration{time.Second, 1900 * time.Millisecond}})
	const held = "was held: of 2 feeds the slowest took 1.90 s. While it took its tenth feed a server had at most 105 % of the memory"
	if text := r.markdown(""); !strings.Contains(text, held) {
		t.Errorf("it says:\n%s", text)
	}
	r.addFeed(feedKinds[3], true, feedRun{rows: 1, took: []time.Duration{2 * time.Second}})
	if text := r.markdown(""); !strings.Contains(text, "was not held: of 3 feeds the slowest took 2.00 s") {
		t.Errorf("it says:\n%s", text)
	}
}
