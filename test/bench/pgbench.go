package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"redline/test/internal/measure"
)

var (
	//go:embed place_plain.sql
	placePlainSQL string
	//go:embed place_cte.sql
	placeCTESQL string
)

// pgbenchSubject is who pgbench's orders belong to, as its scripts have it.
const pgbenchSubject = "pgbench"

// pgbench runs our scripts.
type pgbench struct {
	b       *bench
	program string // empty: there is none
	scripts map[string]string
	vars    []string
}

// newPgbench looks for pgbench, and places one order with the server to learn
// what its events look like.
func (b *bench) newPgbench(ctx context.Context) (*pgbench, error) {
	p := &pgbench{b: b, scripts: map[string]string{}}
	for _, name := range []string{filepath.Join(b.db.Bin, "pgbench"), "pgbench"} {
		if path, err := exec.LookPath(name); err == nil && p.program == "" {
			p.program = path
		}
	}
	if p.program == "" {
		b.results.noPgbench = true
		b.say("there is no pgbench beside Postgres, nor on the path: orders are placed without a measure beside them")
		return p, nil
	}
	for system, text := range map[string]string{systemPlain: placePlainSQL, systemCTE: placeCTESQL} {
		p.scripts[system] = filepath.Join(b.dir, map[string]string{systemPlain: "plain.sql", systemCTE: "cte.sql"}[system])
		if err := os.WriteFile(p.scripts[system], []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("writing pgbench's scripts: %w", err)
		}
	}
	err := b.withServer(ctx, func(t *measure.Target) error {
		j := b.placeJob(false, 1)
		j.Warmup, j.Measure = 0, 100*time.Millisecond
		m, err := b.ask(ctx, t, j)
		b.acknowledged += m.placed
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("placing an order to look at: %w", err)
	}
	for name, query := range map[string]string{
		"order_event": `SELECT payload::text FROM events WHERE type = 'order.changed' ORDER BY id DESC LIMIT 1`,
		"level_event": `SELECT payload::text FROM events WHERE type = 'level.changed' ORDER BY id DESC LIMIT 1`,
		"pad":         `SELECT request_id FROM audit_entries WHERE action = 'orderPlace' ORDER BY at DESC LIMIT 1`,
	} {
		value, err := b.db.Text(ctx, query)
		if err != nil {
			return nil, err
		}
		p.vars = append(p.vars, "-D", name+"="+value)
	}
	return p, nil
}

var processedPattern = regexp.MustCompile(`number of transactions actually processed: (\d+)`)

// progressEvery is how often pgbench tells that it is at work, and how long it
// warms up.
const progressEvery = time.Second

// run runs a script for the time of a measurement.
func (p *pgbench) run(ctx context.Context, system string, hot bool, clients int) (measurement, error) {
	seconds := int((p.b.measure + progressEvery + time.Second - 1) / time.Second)
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second+3*patience)
	defer cancel()
	dir, err := os.MkdirTemp(p.b.dir, "pgbench-")
	if err != nil {
		return measurement{}, fmt.Errorf("making a directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // all of it goes with the run's directory
	isHot := 0
	if hot {
		isHot = 1
	}
	args := append([]string{
		"-n", "-M", "prepared", "-c", strconv.Itoa(clients), "-j", strconv.Itoa(min(clients, 2)), "-T", strconv.Itoa(seconds),
		"-P", "1", "-l", "--log-prefix", filepath.Join(dir, "log"), "-f", p.scripts[system], "-D", fmt.Sprint("hot=", isHot),
		"-D", fmt.Sprint("products=", p.b.orderable),
	}, p.vars...)
	cmd := exec.CommandContext(ctx, p.program, append(args, p.b.db.URL())...)
	var out bytes.Buffer
	cmd.Stdout = &out
	said, in, err := os.Pipe()
	if err != nil {
		return measurement{}, fmt.Errorf("starting pgbench: %w", err)
	}
	defer func() { _ = said.Close() }()
	cmd.Stderr = in
	child, err := measure.Spawn(cmd)
	if err = errors.Join(err, in.Close()); err != nil {
		return measurement{}, err
	}
	defer child.Stop()

	// It is warm when it first tells of its progress.
	m := &meter{master: p.b.db.Master}
	var complaints bytes.Buffer
	var warm time.Time
	for lines := bufio.NewScanner(said); lines.Scan(); {
		switch line := lines.Bytes(); {
		case !bytes.HasPrefix(line, []byte("progress:")):
			complaints.Write(append(line, '\n'))
		case warm.IsZero():
			warm = time.Now()
			m.start(ctx)
		}
	}
	<-child.Done
	_, postgres := m.end()
	if time.Since(warm) < p.b.measure/2 { // it told too late for its cost to be known
		postgres = -1
	}
	if child.Err != nil {
		return measurement{}, fmt.Errorf("pgbench: %w: %s", child.Err, complaints.String())
	}
	found := processedPattern.FindSubmatch(out.Bytes())
	if found == nil {
		return measurement{}, fmt.Errorf("pgbench doesn't say how many orders it placed: %s", out.String())
	}
	placed, err := strconv.Atoi(string(found[1]))
	if err != nil {
		return measurement{}, fmt.Errorf("pgbench: %w", err)
	}
	p.b.written += placed
	result, timed, err := readPgbenchLogs(dir, time.Duration(seconds)*time.Second)
	if err != nil {
		return measurement{}, err
	}
	result.ServerCPU = -1
	result.DatabaseCPU = perThousand(postgres, timed)
	result.placed = placed
	return result, nil
}

// readPgbenchLogs makes a measurement of what pgbench logged of each order,
// without those of the warm-up, and says how many there were: those that came
// after the time is over count for their latency and cost, not for the rate.
func readPgbenchLogs(dir string, took time.Duration) (result measurement, timed int, err error) {
	type order struct{ end, took time.Duration }
	var orders []order
	paths, err := filepath.Glob(filepath.Join(dir, "log*"))
	if err != nil {
		return result, 0, fmt.Errorf("looking for pgbench's logs: %w", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return result, 0, fmt.Errorf("reading pgbench's log: %w", err)
		}
		for line := range bytes.Lines(text) {
			// client, number, latency in µs, script, and when: seconds and µs.
			var client, number, latency, script, seconds, micros int64
			if _, err := fmt.Sscan(string(line), &client, &number, &latency, &script, &seconds, &micros); err != nil {
				return result, 0, fmt.Errorf("reading pgbench's log %q: %w", line, err)
			}
			orders = append(orders, order{time.Duration(seconds)*time.Second + time.Duration(micros)*time.Microsecond, time.Duration(latency) * time.Microsecond})
		}
	}
	if len(orders) == 0 { // not even one in all that time
		return result, 0, nil
	}
	begun := orders[0].end
	for _, o := range orders {
		begun = min(begun, o.end-o.took)
	}
	var latencies []time.Duration
	n := 0
	for _, o := range orders {
		if o.end-begun >= progressEvery {
			latencies = append(latencies, o.took)
			if o.end-begun < took {
				n++
			}
		}
	}
	slices.Sort(latencies)
	result = measurement{Rate: float64(n) / (took - progressEvery).Seconds(), P50: percentile(latencies, 50), P99: percentile(latencies, 99)}
	return result, len(latencies), nil
}
