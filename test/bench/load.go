package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// job is what the load generator is told to do.
type job struct {
	Addr    string
	Conns   int
	Warmup  time.Duration
	Measure time.Duration
	Seed    uint64
	// Headers are lines that each request carries, beside Host and the length.
	Headers []string
	// Reads are what may be asked for; empty: orders are placed.
	Reads []read
	Place placing
	// Life: instead of all that, orders and reservations live theirs.
	Life *living `json:",omitempty"`
}

// read is one request for one id, and what its answer has to be.
type read struct {
	Line string // such as "GET /q1/Brake%20pads"
	Body string
	Want json.RawMessage
}

// What the load generator tells, one JSON object a line: when it begins to
// measure, and what it measured.
type report struct {
	Measuring bool `json:",omitempty"`
	// Step is what of several is measured.
	Step string `json:",omitempty"`
	// Requests were answered within the time that was measured.
	Requests int
	// Seconds is that time.
	Seconds float64
	// P50 and P99 are of all that were sent within it, in milliseconds.
	P50, P99 float64
	// Checked is how many answers were compared with what they have to be,
	// those of the warm-up with them.
	Checked int
	// Placed is how many orders were acknowledged, those of the warm-up too.
	Placed int
	// Again is how often the server asked to be asked again.
	Again int
}

// patience is how long an answer may take beyond the time of the measurement.
const patience = 30 * time.Second

// asker asks one thing after the other on one connection, and checks the
// answer. It may take several requests to get one.
type asker interface {
	ask(c *client) error
}

// load does one job: each connection asks, waits for the answer, checks it and
// asks again. It reads the job from in and reports to out.
func load(ctx context.Context, in io.Reader, out io.Writer) error {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return fmt.Errorf("reading the job: %w", err)
	}
	tell := json.NewEncoder(out)
	if j.Life != nil {
		return j.live(ctx, func(r report) error { return tell.Encode(r) })
	}
	r, err := j.run(ctx, func() error { return tell.Encode(report{Measuring: true}) })
	if err != nil {
		return err
	}
	return tell.Encode(r)
}

// run does the job, and calls measuring once all connections are warm.
func (j job) run(ctx context.Context, measuring func() error) (report, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := time.Now()
	var (
		book  = newReadBook(j)
		shop  = &shop{}
		warm  sync.WaitGroup
		start = make(chan time.Time) // closed by nobody: one value for each connection
		done  sync.WaitGroup
		took  = make([][]time.Duration, j.Conns)
		count atomic.Int64
	)
	warm.Add(j.Conns)
	for i := range j.Conns {
		done.Go(func() {
			isWarm := sync.OnceFunc(warm.Done)
			defer isWarm()
			err := func() error {
				c, err := dial(ctx, j.Addr, begin.Add(j.Warmup+j.Measure+2*patience))
				if err != nil {
					return fmt.Errorf("connecting: %w", err)
				}
				defer c.close()
				stop := context.AfterFunc(ctx, c.close)
				defer stop()
				random := rand.New(rand.NewPCG(j.Seed, uint64(i)))
				var a asker
				if len(j.Reads) > 0 {
					a = &reader{book: book, random: random, next: i, step: j.Conns}
				} else {
					a = newPlacer(j, shop, i, random)
				}
				for !book.complete(a) || time.Since(begin) < j.Warmup {
					if err := a.ask(c); err != nil {
						return err
					}
				}
				isWarm()
				var from time.Time
				select {
				case from = <-start:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
				end := from.Add(j.Measure)
				for asked := time.Now(); asked.Before(end); {
					if err := a.ask(c); err != nil {
						return err
					}
					now := time.Now()
					took[i] = append(took[i], now.Sub(asked))
					if now.Before(end) {
						count.Add(1)
					}
					asked = now
				}
				return nil
			}()
			if err != nil {
				cancel(err)
			}
		})
	}
	warm.Wait()
	if err := measuring(); err != nil {
		cancel(err)
	}
	now := time.Now()
	for range j.Conns {
		select {
		case start <- now:
		case <-ctx.Done():
		}
	}
	done.Wait()
	if err := context.Cause(ctx); err != nil {
		return report{}, err
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	r := report{Requests: int(count.Load()), Seconds: j.Measure.Seconds(), P50: percentile(all, 50), P99: percentile(all, 99)}
	r.Checked, r.Placed, r.Again = int(book.checked.Load())+shop.placed(), shop.placed(), int(shop.again.Load())
	if r.Placed != shop.distinct() {
		return r, fmt.Errorf("%d orders were acknowledged, with %d different ids", r.Placed, shop.distinct())
	}
	return r, nil
}

// percentile is the latency that p of a hundred don't exceed, in milliseconds,
// of a sorted list.
func percentile(sorted []time.Duration, p int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := (len(sorted)*p + 99) / 100
	return float64(sorted[max(i, 1)-1].Microseconds()) / 1000
}

// readBook is what all connections know of the answers of a job.
type readBook struct {
	reads    []read
	requests [][]byte
	// first is the first answer to each read, once it was found right.
	first   []atomic.Pointer[[]byte]
	checked atomic.Int64
}

func newReadBook(j job) *readBook {
	b := &readBook{reads: j.Reads, first: make([]atomic.Pointer[[]byte], len(j.Reads))}
	for _, r := range j.Reads {
		b.requests = append(b.requests, appendRequest(nil, r.Line, j.Addr, j.Headers, []byte(r.Body)))
	}
	return b
}

// complete reports whether a connection has asked for all that it has to before
// anything is measured.
func (b *readBook) complete(a asker) bool {
	r, ok := a.(*reader)
	return !ok || r.next >= len(b.reads)
}

// check compares an answer to a read with what it has to be: the first one by
// its fields, the others with the first by their bytes.
func (b *readBook) check(i, status int, body []byte) error {
	first := b.first[i].Load()
	if first == nil {
		if status != 200 {
			return fmt.Errorf("status %d for %s %s: %.500s", status, b.reads[i].Line, b.reads[i].Body, body)
		}
		if err := sameJSON(b.reads[i].Want, body); err != nil {
			return fmt.Errorf("a wrong answer for %s %s: %w", b.reads[i].Line, b.reads[i].Body, err)
		}
		b.first[i].CompareAndSwap(nil, new(bytes.Clone(body)))
	} else if status != 200 || !bytes.Equal(*first, body) {
		return fmt.Errorf("another answer than before for %s %s: status %d, %.500s", b.reads[i].Line, b.reads[i].Body, status, body)
	}
	b.checked.Add(1)
	return nil
}

// reader asks for each of its share of the ids once, so that every answer is
// checked, and then for ids at random.
type reader struct {
	book       *readBook
	random     *rand.Rand
	next, step int
}

func (r *reader) ask(c *client) error {
	i := r.next
	if i < len(r.book.reads) {
		r.next += r.step
	} else {
		i = r.random.IntN(len(r.book.reads))
	}
	status, body, err := c.do(r.book.requests[i])
	if err != nil {
		return err
	}
	return r.book.check(i, status, body)
}

// appendRequest writes a request.
func appendRequest(b []byte, line, addr string, headers []string, body []byte) []byte {
	b = append(append(b, line...), " HTTP/1.1\r\nHost: "...)
	b = append(append(b, addr...), "\r\n"...)
	for _, h := range headers {
		b = append(append(b, h...), "\r\n"...)
	}
	if !strings.HasPrefix(line, "GET ") {
		b = fmt.Appendf(b, "Content-Length: %d\r\n", len(body))
	}
	b = append(b, "\r\n"...)
	return append(b, body...)
}

// sameJSON says where an answer first differs from what it has to be.
func sameJSON(want, got []byte) error {
	var trees [2]any
	for i, text := range [][]byte{want, got} {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&trees[i]); err != nil {
			return fmt.Errorf("%w in %.500s", err, text)
		}
	}
	if answer, ok := trees[1].(map[string]any); ok {
		delete(answer, "extensions") // what it cost is said beside what was asked for
	}
	return difference("", trees[0], trees[1])
}

func difference(path string, want, got any) error {
	unlike := fmt.Errorf("%s is %v and has to be %v", path, got, want)
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return unlike
		}
		for name := range w {
			v, ok := g[name]
			if !ok {
				return unlike
			}
			if err := difference(path+"."+name, w[name], v); err != nil {
				return err
			}
		}
		return nil
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return unlike
		}
		for i := range w {
			if err := difference(fmt.Sprintf("%s[%d]", path, i), w[i], g[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if want != got {
		return unlike
	}
	return nil
}

var errStrange = errors.New("not what was asked for")
