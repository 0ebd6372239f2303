package test_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// gatekeeper is a gateway that takes feeds, keeps what it was asked and gives
// the answers that a test gives it.
type gatekeeper struct {
	*httptest.Server
	// answer makes the answer to the nth feed, from 0 on; nil applies all.
	answer func(n int, input any) (status int, body any)

	mu     sync.Mutex
	tokens []string
	inputs []any
}

func newGatekeeper(t *testing.T, answer func(n int, input any) (int, any)) *gatekeeper {
	t.Helper()
	g := &gatekeeper{answer: answer}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

func (g *gatekeeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Query     string
		Variables vars
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil || r.URL.Path != "/graphql" {
		http.Error(w, "no", http.StatusNotFound)
		return
	}
	status, body := http.StatusOK, any(vars{"data": vars{
		"viewer": vars{"role": "SUPPLIER", "suppliers": []any{vars{"id": "sup_1", "code": cajun}}}, "suppliers": vars{"nodes": []any{}, "pageInfo": vars{}},
	}})
	if input, feed := request.Variables["input"]; feed {
		g.mu.Lock()
		n := len(g.inputs)
		g.inputs = append(g.inputs, input)
		g.tokens = append(g.tokens, r.Header.Get("Authorization"))
		g.mu.Unlock()
		status, body = http.StatusOK, fed(vars{"applied": len(list(input, "rows"))})
		if g.answer != nil {
			status, body = g.answer(n, input)
		}
	}
	if status == 0 {
		panic(http.ErrAbortHandler) // the answer is lost
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who has gone needs no answer
}

// fed is the answer of a payload, what it doesn't say being nothing.
func fed(payload vars) any {
	whole := mergeVars(vars{"applied": 0, "unchanged": 0, "rejected": 0, "emptied": 0, "held": false, "replayed": false, "conflicts": []any{}, "rows": []any{}, "userErrors": []any{}}, payload)
	return vars{"data": vars{"supplierFeedSubmit": whole}}
}

// sent is what was asked so far.
func (g *gatekeeper) sent() []any {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inputs
}

// feed runs the command on a document, as a supplier.
func (g *gatekeeper) feed(t *testing.T, document string, args ...string) result {
	t.Helper()
	return run(t, []string{"REDLINE_TOKEN=a.secret.token", "REDLINE_URL=" + g.URL}, append([]string{"feed", document}, args...)...)
}

// written writes a document and dates it.
func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	return path
}

// ended wants a command's exit code and these words in what it said.
func ended(t *testing.T, what string, r result, code int, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(r.out+r.err, word) {
			t.Errorf("%s: nothing says %q", what, word)
			code = -1
		}
	}
	if r.code != code || strings.Contains(r.out+r.err, "secret") {
		t.Errorf("%s: exit %d\n%s\n%s", what, r.code, r.out, r.err)
	}
}

func manyRows(n int) string {
	var b strings.Builder
	b.WriteString("sku,qty\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,1\n", i)
	}
	return b.String()
}

const twoRows = "sku;qty;unit;location;cost\n65;76;case;nola;21.05\n66;0;;;\n"

// What a document comes to as a call, and that the same gives the same key.
func TestFeedCommandSends(t *testing.T) {
	t.Parallel()
	g := newGatekeeper(t, nil)
	document := written(t, "stock.csv", twoRows)
	ended(t, "a feed", g.feed(t, document, "--mode", "full"), 0,
		"stock.csv: 2 rows of "+cajun+", FULL, ON_HAND as of 2026-11-20T12:00:00Z", "applied 2, unchanged 0, rejected 0")
	input := g.sent()[0]
	for path, want := range (vars{
		"supplierId": "sup_1", "mode": "FULL", "measure": "ON_HAND", "asOf": "2026-11-20T12:00:00Z", "onRowError": "SKIP_ROW", "dryRun": false, "sequence": nil,
		"rows.0.supplierSku": "65", "rows.0.quantity": 76.0, "rows.0.unit": "CASE", "rows.0.locationCode": "nola", "rows.0.cost": "21.05",
		"rows.1.supplierSku": "66", "rows.1.quantity": 0.0, "rows.1.unit": nil, "rows.1.locationCode": nil, "rows.1.cost": nil, "rows.2": nil,
	}) {
		if got := at(input, path); got != want {
			t.Errorf("%s is %v; want %v", path, got, want)
		}
	}
	if g.tokens[0] != "Bearer a.secret.token" {
		t.Errorf("the token was sent as %q", g.tokens[0])
	}

	key := text(input, "idempotencyKey")
	for _, test := range []struct {
		what     string
		document string
		args     []string
		same     bool
	}{
		{"the same again", document, []string{"--mode", "full", "--supplier", cajun}, true},
		{"a copy of the same date", written(t, "copy.csv", twoRows), []string{"--mode", "full"}, true},
		{"another mode", document, []string{"--mode", "partial"}, false},
		{"a sequence", document, []string{"--mode", "full", "--sequence", "7"}, false},
		{"another time", document, []string{"--mode", "full", "--as-of", "2026-11-21T12:00:00.5Z"}, false},
		{"another measure", document, []string{"--mode", "full", "--measure", "available"}, false},
		{"rows that roll back", document, []string{"--mode", "full", "--on-row-error", "roll-back"}, false},
		{"a dry run", document, []string{"--mode", "full", "--dry-run"}, false},
		{"other content", written(t, "other.csv", twoRows+"67;1;;;\n"), []string{"--mode", "full"}, false},
	} {
		ended(t, test.what, g.feed(t, test.document, test.args...), 0)
		all := g.sent()
		if got := text(all[len(all)-1], "idempotencyKey"); (got == key) != test.same {
			t.Errorf("%s has the key %s, after %s", test.what, got, key)
		}
	}
	ended(t, "a key of one's own", g.feed(t, document, "--mode", "full", "--key", "mine", "--sequence", "9", "--dry-run"), 0, "dry run, nothing was kept")
	last := g.sent()[len(g.sent())-1]
	if text(last, "idempotencyKey") != "mine-dry-run" || at(last, "sequence") != 9.0 || at(last, "dryRun") != true {
		t.Errorf("a dry run was sent as %v", last)
	}
}

// One supplier's stock comes to the same call from each format, with what each
// says of itself.
func TestFeedCommandReadsAllFormats(t *testing.T) {
	t.Parallel()
	stock, told := northwindOf(t, cajun), time.Date(2026, 11, 22, 17, 30, 15, 250e6, time.UTC)
	lines := ""
	for _, s := range stock {
		lines += fmt.Sprintf("{\"supplierSku\":%q,\"quantity\":%d,\"unit\":%q}\n", s.sku, s.units, s.unit)
	}
	for name, test := range map[string]struct{ document, asOf string }{
		"stock.csv":   {northwindCSV(stock), "2026-11-20T12:00:00Z"},
		"stock.jsonl": {lines, "2026-11-20T12:00:00Z"},
		"stock.edi":   {northwindAdvice(stock, told), "2026-11-22T17:30:15.25Z"},
	} {
		g := newGatekeeper(t, nil)
		ended(t, name, g.feed(t, written(t, name, test.document), "--mode", "full"), 0, fmt.Sprintf("%d rows", len(stock)))
		input := g.sent()[0]
		if text(input, "asOf") != test.asOf || text(input, "measure") != "ON_HAND" || len(list(input, "rows")) != len(stock) {
			t.Errorf("%s is sent as %v", name, input)
			continue
		}
		for i, row := range list(input, "rows") {
			if s := stock[i]; text(row, "supplierSku") != s.sku || text(row, "unit") != s.unit || at(row, "quantity") != float64(s.units) {
				t.Errorf("%s: a row is %v; want %v", name, row, s)
			}
		}
	}
}

// A partial feed goes in several calls, each with a key of its own, the same
// ones every time.
func TestFeedCommandSendsInParts(t *testing.T) {
	t.Parallel()
	g := newGatekeeper(t, func(n int, input any) (int, any) {
		if n == 1 || n == 4 {
			return http.StatusOK, fed(vars{"applied": 999, "rejected": 1, "rows": []any{vars{"index": 3, "userErrors": []any{
				vars{"code": "UNMAPPED_SKU", "message": "nobody knows it", "field": []string{"rows", "3", "supplierSku"}},
			}}}})
		}
		return http.StatusOK, fed(vars{"applied": len(list(input, "rows")), "replayed": n > 2})
	})
	document := written(t, "stock.csv", manyRows(2500))
	ended(t, "three calls", g.feed(t, document, "--mode", "partial"), 2, "1000 of 2500 rows sent", "applied 2499, unchanged 0, rejected 1",
		"stock.csv, line 1005, SKU 1003, supplierSku: UNMAPPED_SKU: nobody knows it", "1 of 2500 rows were rejected")
	ended(t, "three calls again", g.feed(t, document, "--mode", "partial"), 2, "replayed")
	keys := map[string]int{}
	for i, input := range g.sent() {
		keys[text(input, "idempotencyKey")]++
		if want := []int{1000, 1000, 500}[i%3]; len(list(input, "rows")) != want {
			t.Errorf("call %d has %d rows", i, len(list(input, "rows")))
		}
	}
	if len(keys) != 3 || len(g.sent()) != 6 {
		t.Errorf("the keys are %v", keys)
	}
	ended(t, "a sequence for several calls", g.feed(t, document, "--mode", "partial", "--sequence", "3"), 1, "can't all have the one sequence")
	// Several calls were each rolled back alone, and those before stood.
	ended(t, "roll back over several calls", g.feed(t, document, "--mode", "partial", "--on-row-error", "roll-back"), 1, "2500 rows", "can't be rolled back together")

	// What one call states twice the gateway refuses; of several it took both.
	errs := filepath.Join(t.TempDir(), "errors.csv")
	twice := written(t, "twice.csv", manyRows(1500)+"3,2\n1499,7\n")
	ended(t, "a level that is stated twice", g.feed(t, twice, "--mode", "partial", "--errors", errs), 1, "nothing was sent",
		`twice.csv, line 1502: states the level of SKU "3" again, after line 5`, `twice.csv, line 1503: states the level of SKU "1499" again, after line 1501`)
	if got := records(t, errs); len(got) != 3 || strings.Join(got[1][:4], "|") != "1502|3|INVALID|" {
		t.Errorf("the errors are %q", got)
	}
	if len(g.sent()) != 6 {
		t.Error("it was sent nevertheless")
	}
	ended(t, "twice in one call", g.feed(t, written(t, "twice.csv", twoRows+"65;1;;;\n"), "--mode", "partial", "--on-row-error", "roll-back"), 0)
	ended(t, "a full one in one call", g.feed(t, twice, "--mode", "full", "--on-row-error", "roll-back"), 0)
}

// How a feed ends, and what is said of it.
func TestFeedCommandEnds(t *testing.T) {
	t.Parallel()
	refusal := func(code, message string, field ...string) any {
		return vars{"userErrors": []any{vars{"code": code, "message": message, "field": field}}}
	}
	document := written(t, "stock.csv", twoRows)
	for name, test := range map[string]struct {
		status int
		body   any
		code   int
		says   []string
	}{
		"rejected": {http.StatusOK, fed(vars{"applied": 1, "rejected": 1, "rows": []any{vars{"index": 0, "userErrors": []any{}}, mergeVars(vars{"index": 1},
			refusal("PACK_MISMATCH", "no such unit", "rows", "1", "unit").(vars))}}), 2, []string{"line 3, SKU 66, unit: PACK_MISMATCH: no such unit", "1 of 2 rows"}},
		"stale":       {http.StatusOK, fed(refusal("SEQUENCE_STALE", "7 was applied", "sequence").(vars)), 1, []string{"the feed was refused: SEQUENCE_STALE: 7 was applied"}},
		"rolled back": {http.StatusOK, fed(refusal("UNMAPPED_SKU", "unknown", "rows", "0", "supplierSku").(vars)), 1, []string{"line 2, SKU 65, supplierSku: UNMAPPED_SKU: unknown", "refused for rows"}},
		"emptied":     {http.StatusOK, fed(vars{"applied": 5, "emptied": 3}), 0, []string{"applied 5, unchanged 0, rejected 0\nof these 3 levels that the document leaves out are emptied"}},
		"oversold":    {http.StatusOK, fed(vars{"applied": 2, "conflicts": []any{vars{"id": "cf_2", "kind": "OVERSOLD", "summary": "too few"}}}), 0, []string{"conflict OVERSOLD cf_2: too few"}},
		"forbidden":   {http.StatusUnauthorized, vars{"errors": []any{vars{"message": "no token", "extensions": vars{"code": "UNAUTHENTICATED"}}}}, 1, []string{"UNAUTHENTICATED: no token"}},
		"no answer":   {http.StatusInternalServerError, "nonsense", 1, []string{"500"}},
	} {
		g := newGatekeeper(t, func(int, any) (int, any) { return test.status, test.body })
		ended(t, name, g.feed(t, document, "--mode", "full"), test.code, test.says...)
		if len(g.sent()) != 1 {
			t.Errorf("%s: %d calls", name, len(g.sent()))
		}
	}
}

// A feed that was kept for a person has failed until it is applied, whatever the
// token may see of its conflict, and however often it is sent.
func TestFeedCommandIsHeld(t *testing.T) {
	t.Parallel()
	document := written(t, "stock.csv", twoRows)
	for name, test := range map[string]struct {
		held     bool // by the payload; else it isn't, whatever conflicts there are
		replayed bool
		conflict vars // nil where the token may see none
		code     int
		says     []string
	}{
		"now":                  {true, false, vars{"status": "OPEN"}, 1, []string{"conflict MASS_ZEROING cf_1: all would go", "waits for a person", "applied: conflict cf_1"}},
		"without its conflict": {true, false, nil, 1, []string{"waits for a person", "conflicts:read"}},
		"still":                {true, true, vars{"status": "OPEN"}, 1, []string{"replayed", "waits for a person"}},
		"unseen":               {true, true, nil, 1, []string{"replayed", "what became of it", "conflicts:read"}},
		"applied since":        {true, true, vars{"status": "RESOLVED", "resolution": "they closed"}, 0, []string{"replayed", "was applied since: conflict cf_1 is RESOLVED: they closed"}},
		"dismissed":            {true, true, vars{"status": "DISMISSED", "resolution": "it broke off"}, 1, []string{"nothing of it was applied: conflict cf_1 is DISMISSED: it broke off"}},
		"replaced":             {true, true, vars{"status": "OPEN", "facts": []any{vars{"name": "feed", "value": "feed 8"}}}, 1, []string{"let go", "feed 8 took its place, whose conflict cf_1 is OPEN"}},
		"replaced, and that applied": {true, true, vars{"status": "RESOLVED", "resolution": "right", "facts": []any{vars{"name": "feed", "value": "feed 8"}}}, 1,
			[]string{"let go", "feed 8 took its place, whose conflict cf_1 is RESOLVED: right"}},
		"another's": {false, false, vars{"status": "OPEN"}, 0, []string{"conflict MASS_ZEROING cf_1"}},
	} {
		conflicts := []any{}
		if test.conflict != nil {
			conflicts = append(conflicts, mergeVars(vars{"id": "cf_1", "kind": "MASS_ZEROING", "summary": "all would go", "resolution": nil,
				"facts": []any{vars{"name": "feed", "value": "feed 7"}}}, test.conflict))
		}
		g := newGatekeeper(t, func(int, any) (int, any) {
			return http.StatusOK, fed(vars{"held": test.held, "replayed": test.replayed, "conflicts": conflicts})
		})
		ended(t, name, g.feed(t, document, "--mode", "full", "--sequence", "7"), test.code, test.says...)
	}
	g := newGatekeeper(t, func(int, any) (int, any) { return http.StatusOK, fed(vars{"held": true}) })
	ended(t, "dry", g.feed(t, document, "--mode", "full", "--dry-run"), 1, "would wait for a person")
}

// What may pass is tried again with the same key, so many times and no more.
func TestFeedCommandTriesAgain(t *testing.T) {
	t.Parallel()
	soon := vars{"extensions": vars{"code": "UNAVAILABLE", "retryAfterMs": 1}, "message": "the database is away"}
	inWork := fed(vars{"userErrors": []any{vars{"code": "IDEMPOTENCY_IN_PROGRESS", "message": "in work", "retryAfterMs": 1}}})
	document := written(t, "stock.csv", twoRows)
	g := newGatekeeper(t, func(n int, _ any) (int, any) {
		switch n {
		case 0:
			return 0, nil
		case 1:
			return http.StatusServiceUnavailable, vars{"errors": []any{soon}}
		case 2:
			return http.StatusOK, inWork
		case 3:
			return http.StatusBadGateway, "a proxy's own"
		}
		return http.StatusOK, fed(vars{"applied": 2, "replayed": true})
	})
	ended(t, "four failures", g.feed(t, document, "--mode", "full"), 0, "applied 2", "replayed", "trying again in", "UNAVAILABLE: the database is away", "502")
	keys := map[string]bool{}
	for _, input := range g.sent() {
		keys[text(input, "idempotencyKey")] = true
	}
	if len(keys) != 1 || len(g.sent()) != 5 {
		t.Errorf("%d calls with %d keys", len(g.sent()), len(keys))
	}

	g = newGatekeeper(t, func(int, any) (int, any) { return http.StatusOK, inWork })
	ended(t, "never an answer", g.feed(t, document, "--mode", "full"), 1, "being applied already")
	if n := len(g.sent()); n != 8 {
		t.Errorf("it tried %d times", n)
	}
}

// What can't be sent isn't, and all that is wrong with it is told.
func TestFeedCommandRefuses(t *testing.T) {
	t.Parallel()
	g := newGatekeeper(t, nil)
	csvFile := written(t, "stock.csv", twoRows)
	advice := northwindAdvice(northwindOf(t, cajun), time.Now())
	for name, test := range map[string]struct {
		document string
		args     []string
		says     []string
	}{
		"a bad document":       {written(t, "bad.csv", "sku,qty\n65,12.5\n,x\n"), nil, []string{`bad.csv, line 2, column quantity: "12.5" is not a whole number`, "bad.csv, line 3, column supplier_sku: is empty", `line 3, column quantity: "x"`}},
		"no document":          {filepath.Join(t.TempDir(), "stock.csv"), nil, []string{"no such file"}},
		"a name that is none":  {written(t, "stock.xls", twoRows), nil, []string{"--format"}},
		"standard input":       {"-", nil, []string{"--format"}},
		"another's supplier":   {csvFile, []string{"--supplier", tokyo}, []string{"doesn't speak for", tokyo}},
		"a measure of its own": {written(t, "on.csv", "sku,on_hand\n65,1\n"), []string{"--measure", "available"}, []string{"ON_HAND by its own words"}},
		"too many rows":        {written(t, "many.csv", manyRows(10_001)), nil, []string{"10001 rows", "10000"}},
		"a test":               {written(t, "test.x12", strings.Replace(advice, "*P*>", "*T*>", 1)), nil, []string{"says that it is a test"}},
		"no time":              {csvFile, []string{"--as-of", "yesterday"}, []string{"as-of"}},
		"no zone":              {written(t, "stock.x12", advice), []string{"--time-zone", "Mars"}, []string{"--time-zone"}},
		"no address":           {csvFile, []string{"--url", "127.0.0.1:8080"}, []string{"--url"}},
		"no token":             {csvFile, []string{"--token", "a secret"}, []string{"the token is not one"}},
		"unknown columns":      {written(t, "more.csv", "sku,qty,colour\n65,1,red\n"), nil, []string{`column "colour": is not known`}},
	} {
		ended(t, name, g.feed(t, test.document, append([]string{"--mode", "full"}, test.args...)...), 1, test.says...)
	}
	ended(t, "no mode", g.feed(t, csvFile), 1, "--mode")
	if len(g.sent()) > 0 {
		t.Errorf("%d feeds were sent", len(g.sent()))
	}
	ended(t, "a test, dry", g.feed(t, written(t, "test.x12", strings.Replace(advice, "*P*>", "*T*>", 1)), "--mode", "full", "--dry-run"), 0, "dry run")
	ended(t, "columns passed over", g.feed(t, written(t, "more.csv", "sku,qty,colour\n65,1,red\n"), "--mode", "full", "--ignore-unknown-columns"), 0, "applied 1")

	errs := filepath.Join(t.TempDir(), "errors.csv")
	ended(t, "errors in a file", g.feed(t, written(t, "bad.jsonl", `{"supplierSku":"65","quantity":1.5}`), "--mode", "full", "--errors", errs), 1)
	if got := records(t, errs); len(got) != 2 || strings.Join(got[1][:4], "|") != "1|65|INVALID|member quantity" {
		t.Errorf("the errors are %q", got)
	}
}

// records reads a CSV.
func records(t *testing.T, path string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	all, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// An interrupt ends it at once, whatever it waits for, and says what that means.
func TestFeedCommandIsInterrupted(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}), make(chan struct{})
	g := newGatekeeper(t, func(int, any) (int, any) {
		close(begun)
		<-release
		return 0, nil
	})
	t.Cleanup(func() { close(release) })
	for what, args := range map[string][]string{
		"during the call":    {written(t, "stock.csv", twoRows)},
		"while it is typing": {"-", "--format", "csv"},
	} {
		cmd := exec.CommandContext(t.Context(), world.binary, append([]string{"feed", "--mode", "full", "--url", g.URL}, args...)...)
		typing, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		errs := newBook()
		cmd.Env, cmd.Stderr = environ(), errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if args[0] == "-" {
			// More than the pipe holds: once it is written, it is being read.
			if _, err := typing.Write([]byte(manyRows(20_000))); err != nil {
				t.Fatal(err)
			}
		} else {
			<-begun
		}
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // the code says it
		if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(errs.String(), "interrupted") {
			t.Errorf("%s: exit %d, %s", what, cmd.ProcessState.ExitCode(), errs)
		}
	}
}
