package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The names that --only takes.
const (
	nameHot     = "place-hot"
	nameUniform = "place-uniform"
	nameFeed    = "feed"
	nameChanges = "changes"
)

// options say what is measured, and for how long.
type options struct {
	redline  string        // the server's binary
	serve    []string      // more arguments for its serve
	dir      string        // where the private Postgres lives
	products int           // in all, the demo's with them
	orders   int           // in all, the demo's with them
	items    int           // of the supplier that sends feeds
	rounds   int           // how often each measurement is made
	measure  time.Duration // how long each takes
	warmup   time.Duration // before each, not measured
	conns    int           // connections of the readers
	clients  []int         // connections of those who place orders
	only     []string      // what is measured
	timeout  time.Duration // for all of it
	write    string        // the file whose table is replaced
	profile  string        // the directory for CPU profiles
}

// parseOptions reads and checks the orchestrator's flags.
func parseOptions(args []string) (options, error) {
	var o options
	all := []string{"q1", "q2", "q3", nameHot, nameUniform, nameFeed, nameChanges}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.StringVar(&o.redline, "redline", "bin/redline", "the `binary` to measure")
	serve := fs.String("serve-args", "", "more `arguments` for its serve, with spaces between")
	fs.StringVar(&o.dir, "dir", "", "the `directory` to make the private Postgres in: on a disk, not in memory; left out, the system's directory for temporary files")
	fs.IntVar(&o.products, "products", 10_000, "products in the catalogue")
	fs.IntVar(&o.orders, "orders", 100_000, "orders before the first measurement")
	fs.IntVar(&o.items, "items", 10_000, "items of the supplier that sends feeds: as many rows has each")
	fs.IntVar(&o.rounds, "rounds", 4, "rounds, and half as many for feeds and changes; the tables have their medians")
	seconds := fs.Float64("seconds", 3, "seconds that each measurement takes")
	fs.DurationVar(&o.warmup, "warmup", time.Second, "how long each warms up")
	fs.IntVar(&o.conns, "conns", 32, "connections of the readers")
	clients := fs.String("clients", "1,32,256", "connections of those who place orders")
	only := fs.String("only", strings.Join(all, ","), "what to measure")
	fs.DurationVar(&o.timeout, "timeout", 30*time.Minute, "after how long the run is broken off")
	fs.StringVar(&o.write, "write", "", "the Markdown `file` whose table is replaced")
	fs.StringVar(&o.profile, "profile", "", "the `directory` for CPU profiles of the server and of the limit")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.measure = time.Duration(*seconds * float64(time.Second))
	o.serve, o.only = strings.Fields(*serve), strings.Split(*only, ",")
	for _, text := range strings.Split(*clients, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 256 {
			return o, fmt.Errorf("--clients: %q is not a number from 1 to 256", text)
		}
		o.clients = append(o.clients, n)
	}
	var faults []error
	for _, name := range o.only {
		if !slices.Contains(all, name) {
			faults = append(faults, fmt.Errorf("--only: there is no %q, but %s", name, strings.Join(all, ", ")))
		}
	}
	if o.rounds < 1 || o.measure <= 0 || o.warmup < 0 || o.conns < 1 || fs.NArg() > 0 {
		faults = append(faults, errors.New("a round, some time and a connection are needed, and nothing but flags"))
	}
	if o.items < 100 || o.items > 10_000 {
		faults = append(faults, errors.New("--items: a supplier has from 100 to 10000"))
	}
	return o, errors.Join(faults...)
}
