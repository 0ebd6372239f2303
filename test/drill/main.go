// Command drill shows what Redline's users see while things go wrong. It starts a
// private Postgres and a gateway, and has storefronts order, pages read and dashboards
// watch all the time. Meanwhile it breaks one thing after the other, as networks,
// machines, deploys and hostile clients do, and prints for each what was answered, how
// fast, and how long a dashboard was told nothing.
//
// It ends with 1 where a promise was broken: an event that was missed or repeated, or
// that isn't in the log; an order that was acknowledged and is gone; stock that was sold
// twice, or left where there were buyers; a refusal that took its time, or didn't say when
// to come again; a socket that was closed without a cursor; a client that never finishes
// and stays; a health probe that wasn't answered, a fault inside, a recovery that took too
// long.
// docs/resilience.md says what is promised.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"time"

	"redline/test/internal/measure"
)

func main() { measure.Main("drill", run) }

// options of a drill.
type options struct {
	redline string
	dir     string
	// outage is how long the database is gone each time, and flood how long each of
	// the hostile clients is at it.
	outage, flood time.Duration
	// users is how many storefronts and how many pages there are, and dashboards how
	// many watch.
	users, dashboards int
	// slow is how many times longer than on a machine of its own anything may take.
	slow int
	only *regexp.Regexp
}

// run is a whole drill.
func run(ctx context.Context, args []string, _ *os.File, out io.Writer) error {
	var o options
	var seconds float64
	flags := flag.NewFlagSet("drill", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.redline, "redline", "bin/redline", "the command")
	flags.StringVar(&o.dir, "dir", "", "where to make the directory for what is kept meanwhile; left out, the system's")
	flags.Float64Var(&seconds, "seconds", secondsFromEnv(60), "how long the database is gone each time once that is noticed; everything else takes a share of it")
	flags.IntVar(&o.users, "users", 4, "how many storefronts order, and how many pages are read, all the time")
	flags.IntVar(&o.dashboards, "dashboards", 20, "how many dashboards watch")
	flags.IntVar(&o.slow, "slow", 1, "how many times longer anything may take, on a machine that is busy with something else")
	only := flags.String("only", "", "a regular expression for the titles of the faults to try; left out, all")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if seconds <= 0 || seconds > 600 || o.users < 1 || o.dashboards < 1 || o.slow < 1 {
		return fmt.Errorf("--seconds is from above 0 to 600, --users, --dashboards and --slow are at least 1")
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return fmt.Errorf("reading --only: %w", err)
	}
	o.outage = time.Duration(seconds * float64(time.Second))
	o.flood = max(o.outage/8, 500*time.Millisecond)
	return drill(ctx, o, out)
}

// within is a bound of time on this machine.
func (o options) within(d time.Duration) time.Duration { return time.Duration(o.slow) * d }

// secondsFromEnv is what DRILL_SECONDS says.
func secondsFromEnv(otherwise float64) float64 {
	if n, err := strconv.ParseFloat(os.Getenv("DRILL_SECONDS"), 64); err == nil {
		return n
	}
	return otherwise
}
