// Command dashload measures the dashboard under load: it starts a private Postgres and a
// gateway, opens the page of all stock in a Chromium, changes levels through the
// API at a rate, and has the page watched meanwhile, still and in use: how long its frames
// take, by Chromium's tracing, and what it has in memory.
//
// It ends with 1 where a promise was broken: a change that the page missed or was told
// twice, a number that isn't the database's, an error on the page's console, frames that take
// too long, memory that grows. docs/dashboard.md has the figures.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"redline/test/internal/measure"
)

func main() { measure.Main("dashload", run) }

// options say what is measured, and for how long.
type options struct {
	redline  string        // the server's binary
	clients  string        // the folder with the scenarios for Node
	chromium string        // the browser
	dir      string        // where the private Postgres lives
	levels   int           // on the page
	rate     int           // changes a second
	length   time.Duration // of it all
	window   time.Duration // each use of the page, which is traced
	judge    bool          // whether times and memory are judged
	write    string        // the file whose table is replaced
}

func parseOptions(args []string, out io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("dashload", flag.ContinueOnError)
	fs.SetOutput(out)
	fs.StringVar(&o.redline, "redline", "bin/redline", "the `binary` whose dashboard is measured")
	fs.StringVar(&o.clients, "clients", "test/clients", "the `directory` with the scenarios for Node, and their packages")
	fs.StringVar(&o.chromium, "chromium", "", "the `browser`; left out, the one that is found")
	fs.StringVar(&o.dir, "dir", "", "the `directory` to make the private Postgres in; left out, the system's directory for temporary files")
	fs.IntVar(&o.levels, "levels", 10_000, "how many levels the page has")
	fs.IntVar(&o.rate, "rate", 200, "how many of them change a second")
	minutes := fs.Float64("minutes", 10, "how long it is watched")
	fs.DurationVar(&o.window, "window", 10*time.Second, "how long each use of the page is")
	fs.BoolVar(&o.judge, "judge", true, "whether it is a failure where frames are slow, or memory grows")
	fs.StringVar(&o.write, "write", "", "the Markdown `file` whose table is replaced")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.length = time.Duration(*minutes * float64(time.Minute))
	if o.rate < 1 || o.rate > maxRate || o.levels < 2000 || o.levels > 50_000 || o.window < minWindow || o.length < o.window || o.length > 24*time.Hour || fs.NArg() > 0 {
		return o, fmt.Errorf("--rate is from 1 to %d, --levels from 2000 to 50000, --window at least 100ms, --minutes at least a window and at most a day, and there is nothing but flags", maxRate)
	}
	if o.chromium == "" {
		path, err := measure.Chromium()
		if err != nil {
			return o, fmt.Errorf("%w; --chromium says where it is", err)
		}
		o.chromium = path
	}
	return o, nil
}

// minWindow is the shortest use of the page.
const minWindow = 100 * time.Millisecond

func run(ctx context.Context, args []string, _ *os.File, out io.Writer) error {
	o, err := parseOptions(args, out)
	if err != nil {
		return err
	}
	return watch(ctx, o, out)
}
