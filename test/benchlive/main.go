// Command benchlive measures Redline's live subscriptions as a crowd of readers
// meets them, beside what the same machine can do at all. It is one program with
// several roles, each a process of its own:
//
//   - the orchestrator (no role named) starts a private Postgres with durability
//     on, loads the demo, adds products, and runs the servers in turn, round by
//     round, each with the same readers and the same events;
//   - load is all readers: one thread that reads thousands of sockets, so that it
//     takes little of the machine beside what it reads from;
//   - bare is a websocket server that knows nothing but to write one prepared
//     message to each socket: the practical limit;
//   - stock is gqlgen's own websocket transport with the contract's schema: what
//     most would run.
//
// docs/performance.md says how to read what comes out.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"redline/test/internal/measure"
)

// The roles beside the orchestrator's, as the first argument.
const (
	roleLoad  = "load"
	roleBare  = "bare"
	roleStock = "stock"
)

func main() { measure.Main("benchlive", run) }

// run plays the role that the first argument names.
func run(ctx context.Context, args []string, in *os.File, out io.Writer) error {
	role := ""
	if len(args) > 0 {
		role = args[0]
	}
	switch role {
	case roleLoad:
		return load(in, out)
	case roleBare:
		return serve(ctx, newBare(), in, out)
	case roleStock:
		return serve(ctx, newStock(), in, out)
	}
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	if err := orchestrate(ctx, o, out); err != nil {
		if why := context.Cause(ctx); why != nil {
			// The servers end as well, and whoever noticed that first says something else.
			return fmt.Errorf("broken off: %w", why)
		}
		return err
	}
	return nil
}
