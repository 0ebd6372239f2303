package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"redline/test/internal/measure/measuretest"
)

// TestMain also plays the roles that the orchestrator gives to processes of this
// program's own.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{roleLoad, roleBare, roleStock}, os.Args[1]) {
		main()
		return
	}
	measuretest.Run(m)
}

func builtServer(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the readers run on Linux alone")
	}
	return measuretest.Server(t)
}

// The whole way, as small as can be: at each server every subscriber gets every
// event once and in order, or the run fails; and the tables have all rows.
func TestBenchLiveShort(t *testing.T) {
	t.Parallel()
	table := filepath.Join(t.TempDir(), "performance.md")
	if err := os.WriteFile(table, []byte("before\n"+tableBegin+"\nold\n"+tableEnd+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := run(t.Context(), []string{
		"--redline", builtServer(t), "--rounds", "1", "--seconds", "0.2", "--settle", "10ms", "--subscribers", "30", "--spread", "20", "--products", "10", "--others", "0,10",
		"--write", table,
	}, nil, &out)
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	const number = `[0-9][0-9.]*`
	for _, want := range []string{
		`(?s)^before\n<!-- live table: begin.*<!-- live table: end -->\nafter\n$`,
		`\| 30 \| Redline \| [0-9]+ % \| [1-9][0-9]* \| .* \| ` + number + ` \| ` + number + ` \|\n`,
		`\| 30 \| bare gorilla \|  \| [1-9]`, `\| 30 \| stock gqlgen \| [0-9]+ % \| [1-9]`,
		`\| 20 of 10 products \| Redline \| [0-9]+ % \| [1-9]`, `\| 20 of 10 products \| bare gorilla \|  \| [1-9]`,
		`\| 20 of 10 products \| stock gqlgen \| [0-9]+ % \| [1-9]`,
		`\| 30 \| Redline \| -?` + number + ` KB \| -?` + number + ` KB \|`,
		`\| 0 \| .* \| ` + number + ` \| ` + number + ` \| ` + number + ` \|\n`, `\| 10 \| .* \| ` + number + ` \|\n`,
		`- At least 90 % of bare gorilla's messages/s: (not )?met`, `- Less than 5 ms from commit to the first reader at p50, idle: (not )?met`,
	} {
		if !regexp.MustCompile(want).Match(text) {
			t.Errorf("the tables have nothing like %s:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "old") {
		t.Error("the old table is still there")
	}
	if !regexp.MustCompile(`\n[1-9][0-9]{2,} messages were counted`).MatchString(out.String()) {
		t.Error("it counted no messages")
	}
}

// What is broken off leaves nothing behind: no process, and no directory.
func TestBenchLiveBrokenOff(t *testing.T) {
	t.Parallel()
	server := builtServer(t)
	measuretest.BrokenOff(t, "a message has", func(ctx context.Context, dir string, out io.Writer) error {
		return run(ctx, []string{"--redline", server, "--dir", dir, "--subscribers", "30", "--only", "one"}, nil, out)
	})
}

func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--only", "all"}, {"--systems", "other"}, {"--subscribers", "0"}, {"--subscribers", "1,many"}, {"--others", "1"}, {"--rounds", "0"}, {"--seconds", "0"},
		{"--rate", "0"}, {"--window", "0"}, {"--products", "150"}, {"--spread", "10001"}, {"--spread", "10"}, {"more"},
	} {
		if _, err := parseOptions(args); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}

func message(kind string, number int) []byte {
	return fmt.Appendf(nil, `{"id":"1","type":"next","payload":{"data":{"availabilityChanged":{"cursor":"c","kind":"%s","at":"2026-05-01T10:00:00.5Z","available":%d,"stale":false}}}}`,
		kind, number)
}

func TestEvent(t *testing.T) {
	t.Parallel()
	if n, caughtUp, err := event(message("CHANGE", 1234)); n != 1234 || caughtUp || err != nil {
		t.Errorf("a change is read as %d, %v, %v", n, caughtUp, err)
	}
	if _, caughtUp, err := event(message("CAUGHT_UP", 0)); !caughtUp || err != nil {
		t.Errorf("one that has caught up is read as %v, %v", caughtUp, err)
	}
	for _, text := range []string{`{"type":"pong"}`, string(message("REMOVED", 1)), `{"kind":"CHANGE","available":null}`, `{"type":"error","payload":[]}`} {
		if _, _, err := event([]byte(text)); !errors.Is(err, errMessage) {
			t.Errorf("%s is read with %v", text, err)
		}
	}
	if at := moment(message("CHANGE", 1)); at != "2026-05-01T10:00:00.5Z" {
		t.Errorf("its time is %q", at)
	}
	at := time.Date(2026, 5, 1, 10, 0, 1, 0, time.UTC)
	if got := like(string(message("CHANGE", 7)), 1001, at); !bytes.Equal(got, bytes.Replace(message("CHANGE", 1001), []byte("00.5Z"), []byte("01Z"), 1)) {
		t.Errorf("one like it is %s", got)
	}
}

// A frame is read however it comes: whole, in parts, or with the next one.
func TestFrame(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 125, 126, 300, 65535} {
		payload := bytes.Repeat([]byte("x"), size)
		b := clientFrame(opText, payload)
		b[1] &^= 0x80 // as a server sends it: without a mask
		head := len(b) - 4 - size
		b = append(b[:head], b[head+4:]...)
		for _, part := range []int{0, 1, head, len(b) - 1} {
			if _, _, n, err := frame(b[:min(part, len(b)-1)]); n != 0 || err != nil {
				t.Errorf("%d of %d bytes are read as %d, %v", part, len(b), n, err)
			}
		}
		op, got, n, err := frame(append(slices.Clone(b), 0x81, 1, 'y'))
		if op != opText || !bytes.Equal(got, payload) || n != len(b) || err != nil {
			t.Errorf("%d bytes are read as %d, %d, %v", size, op, n, err)
		}
	}
	for _, b := range [][]byte{{0x01, 1, 'x'}, {0x81, 0x81, 0, 0, 0, 0, 'x'}, {0x81, 127}, {0xc1, 1, 'x'}} {
		if _, _, _, err := frame(b); !errors.Is(err, errFrame) {
			t.Errorf("%x is read with %v", b, err)
		}
	}
}

// Whoever gets an event twice, late, or not at all is found out.
func TestTallyFindsFaults(t *testing.T) {
	t.Parallel()
	// Readers 0 and 2 watch the first product, 1 and 3 the second.
	fresh := func() *tally {
		tally := newTally(job{Readers: 4, Groups: []string{"a", "b"}})
		if err := tally.begin(command{Serial: 1, After: []int64{10, 20}, Active: 2, Batch: 2}); err != nil || tally.behind != 4 {
			t.Fatalf("it began with %d behind, %v", tally.behind, err)
		}
		for reader, number := range []int64{10, 20, 10, 20} {
			say, any, err := tally.got(reader, number, message("CHANGE", int(number)), time.Now())
			if err != nil || any != (reader == 3) || any && say.Begun != 1 {
				t.Fatalf("reader %d: it says %+v, %v, %v", reader, say, any, err)
			}
		}
		return tally
	}
	type step struct {
		reader int
		number int64
	}
	for name, steps := range map[string][]step{
		"twice": {{0, 11}, {0, 11}}, "one is missing": {{0, 12}}, "out of order": {{1, 22}, {1, 21}}, "an old one": {{3, 20}},
	} {
		tally := fresh()
		var fault error
		for _, s := range steps {
			_, _, err := tally.got(s.reader, s.number, message("CHANGE", int(s.number)), time.Now())
			fault = errors.Join(fault, err)
		}
		if fault == nil {
			t.Errorf("%s: it finds nothing", name)
		}
	}
	tally := fresh()
	now := time.Date(2026, 5, 1, 10, 0, 1, 0, time.UTC)
	for i, s := range []step{{0, 11}, {0, 12}, {1, 21}, {2, 11}, {3, 21}} {
		say, any, err := tally.got(s.reader, s.number, message("CHANGE", int(s.number)), now.Add(time.Duration(i)))
		if err != nil || any != (i == 4) {
			t.Fatalf("step %d: it says %+v, %v, %v", i, say, any, err)
		}
		if any {
			if d := say.Done; d.N != 0 || d.Got != 4 || d.since(d.First) != 500*time.Millisecond || d.since(d.Last) != 500*time.Millisecond+4 {
				t.Errorf("the publication is %+v", d)
			}
		}
	}
}

// Figures come from each round's own ratio, and the worst decides about an aim.
func TestMarkdown(t *testing.T) {
	t.Parallel()
	var r results
	c := r.crowd(1000, 1)
	for _, slow := range []time.Duration{1, 10, 1} { // a machine that is slow in one round
		add := func(system string, messages int, cpu time.Duration) {
			f := c.figures(system)
			o := outcome{messages: messages, elapsed: slow * time.Second, server: slow * cpu, postgres: -1, last: []time.Duration{time.Millisecond}}
			f.closed, f.rate, f.goes = append(f.closed, o), append(f.rate, o), append(f.goes, 7900)
		}
		add(systemRedline, 95_000, time.Second/2)
		add(systemBare, 100_000, time.Second/2)
		add(systemStock, 20_000, time.Second)
	}
	text := r.markdown("facts", 10, 4)
	for _, want := range []string{
		"| 1000 | Redline | 95 % | 95000 | 5.26 | 11 % |", "| 1000 | bare gorilla |  | 100000 |",
		"messages/s: met, 95 % at the least", "processor time for a message: met, 11 % at the most", "idle subscriber: met, 7.9 KB",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it doesn't say %q:\n%s", want, text)
		}
	}
	c.of[systemRedline].goes[0], c.of[systemRedline].goes[1] = 9000, 9000
	if text := r.markdown("facts", 10, 4); !strings.Contains(text, "idle subscriber: not met, 9.0 KB") {
		t.Errorf("it says:\n%s", text)
	}
	if p50, p99 := percentile(50, []time.Duration{3e6, 1e6}, []time.Duration{2e6}), percentile(99); p50 != 2 || p99 != 0 {
		t.Errorf("p50 %v, p99 of nothing %v", p50, p99)
	}
}
