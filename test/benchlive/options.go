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
	nameOne    = "one"    // all subscribers of one operation
	nameSpread = "spread" // spread over products
	nameOthers = "others" // one subscriber, beside others whom no event concerns
)

// options say what is measured, and for how long.
type options struct {
	redline     string        // the server's binary
	serve       []string      // more arguments for its serve
	dir         string        // where the private Postgres lives
	subscribers []int         // of one operation
	spread      int           // subscribers that are spread over products
	products    int           // over so many
	others      []int         // groups of other products
	rounds      int           // how often each measurement is made
	measure     time.Duration // how long each takes
	settle      time.Duration // how long a server has to give memory back, three times
	rate        float64       // events a second, where they come at a rate
	window      int           // events under way, where they come as fast as they are read
	only        []string      // what is measured
	systems     []string      // on what
	timeout     time.Duration // for all of it
	write       string        // the file whose table is replaced
}

// parseOptions reads and checks the orchestrator's flags.
func parseOptions(args []string) (options, error) {
	var o options
	names, systems := []string{nameOne, nameSpread, nameOthers}, []string{systemRedline, systemBare, systemStock}
	fs := flag.NewFlagSet("benchlive", flag.ContinueOnError)
	fs.StringVar(&o.redline, "redline", "bin/redline", "the `binary` to measure")
	serve := fs.String("serve-args", "", "more `arguments` for its serve, with spaces between")
	fs.StringVar(&o.dir, "dir", "", "the `directory` to make the private Postgres in: on a disk, not in memory; left out, the system's directory for temporary files")
	subscribers := fs.String("subscribers", "1000,10000,19000", "subscribers of one operation")
	fs.IntVar(&o.spread, "spread", 10_000, "subscribers that are spread over products")
	fs.IntVar(&o.products, "products", 1000, "over how many products they are spread: a multiple of 100, or fewer than 100")
	others := fs.String("others", "0,1000,10000", "subscribers of other products, each of one of its own, beside one whom the events concern")
	fs.IntVar(&o.rounds, "rounds", 3, "rounds; the tables have their medians")
	seconds := fs.Float64("seconds", 5, "seconds that each measurement takes")
	fs.DurationVar(&o.settle, "settle", 500*time.Millisecond, "how long a server has to give memory back, three times, before it is looked at")
	fs.Float64Var(&o.rate, "rate", 10, "events a second, where they come at a rate")
	fs.IntVar(&o.window, "window", 4, "events under way, where the next comes once the slowest reader has one")
	only := fs.String("only", strings.Join(names, ","), "what to measure")
	on := fs.String("systems", strings.Join(systems, ","), "on what")
	fs.DurationVar(&o.timeout, "timeout", time.Hour, "after how long the run is broken off")
	fs.StringVar(&o.write, "write", "", "the Markdown `file` whose table is replaced")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.measure = time.Duration(*seconds * float64(time.Second))
	o.serve = strings.Fields(*serve)
	var faults []error
	var err error
	if o.subscribers, err = counts("--subscribers", *subscribers, 1); err != nil {
		faults = append(faults, err)
	}
	if o.others, err = counts("--others", *others, 0); err != nil {
		faults = append(faults, err)
	}
	if len(o.others) > 0 && o.others[0] != 0 {
		faults = append(faults, errors.New("--others: the first is 0, which the others are compared with"))
	}
	if o.only, err = chosen("--only", *only, names); err != nil {
		faults = append(faults, err)
	}
	if o.systems, err = chosen("--systems", *on, systems); err != nil {
		faults = append(faults, err)
	}
	if o.rounds < 1 || o.measure <= 0 || o.settle < 0 || o.rate <= 0 || o.window < 1 || o.window > maxWindow || fs.NArg() > 0 {
		faults = append(faults, fmt.Errorf("a round, some time, a rate and a window of 1 to %d are needed, and nothing but flags", maxWindow))
	}
	if o.products < 1 || o.products > spreadBatch && o.products%spreadBatch != 0 || o.spread < o.products || o.spread%o.products != 0 {
		faults = append(faults, fmt.Errorf("--spread and --products: as many subscribers of each product, and batches of %d products", spreadBatch))
	}
	return o, errors.Join(faults...)
}

// counts reads numbers with commas between.
func counts(flag, text string, least int) ([]int, error) {
	var all []int
	for _, t := range strings.Split(text, ",") {
		n, err := strconv.Atoi(t)
		if err != nil || n < least || n > most {
			return nil, fmt.Errorf("%s: %q is not a number from %d to %d", flag, t, least, most)
		}
		all = append(all, n)
	}
	return all, nil
}

// maxWindow is the most events under way: each takes a connection.
const maxWindow = 64

// most is the most subscribers: beyond that it is another kind of benchmark.
const most = 1_000_000

// chosen reads names with commas between.
func chosen(flag, text string, of []string) ([]string, error) {
	all := strings.Split(text, ",")
	for _, name := range all {
		if !slices.Contains(of, name) {
			return nil, fmt.Errorf("%s: there is no %q, but %s", flag, name, strings.Join(of, ", "))
		}
	}
	return all, nil
}
