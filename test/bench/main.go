// Command bench measures Redline as its users meet it, beside what the same
// machine and the same database can do at all. It is one program with three
// roles, each a process of its own:
//
//   - the orchestrator (no role named) starts a private Postgres with
//     durability on, loads the demo, grows it, runs the measurements round by
//     round, checks the books and writes the table;
//   - limit is a minimal net/http handler that runs one hand-written prepared
//     statement and builds the JSON from rows: the practical limit for reads,
//     and, with flat rows, what most would write;
//   - load asks either of them in a closed loop and checks every answer.
//
// For placing orders the measure is pgbench, with scripts that write the same
// rows. docs/performance.md says how to read what comes out.
package main

import (
	"context"
	"io"
	"os"

	"redline/test/internal/measure"
)

// The roles beside the orchestrator's, as the first argument.
const (
	roleLimit = "limit"
	roleLoad  = "load"
)

func main() { measure.Main("bench", run) }

// run plays the role that the first argument names.
func run(ctx context.Context, args []string, in *os.File, out io.Writer) error {
	switch {
	case len(args) > 0 && args[0] == roleLimit:
		return serveLimit(ctx, args[1:], in, out)
	case len(args) > 0 && args[0] == roleLoad:
		return load(ctx, in, out)
	}
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	return orchestrate(ctx, o, out)
}
