// Command redline runs the Redline gateway and the tools around it: serve,
// migrate, token, watch, feed, demo-traffic, health and settings. It is the only place that knows all rooms.
package main

//go:generate sh -c "go run -pgo=off . settings > settings.new && mv settings.new ../../docs/configuration.md"

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the whole command line. Every flag is an environment variable too:
// REDLINE_ and the flag's name in upper case, with _ for -.
type cli struct {
	Serve      serveCmd       `cmd:"" help:"Run the gateway."`
	Migrate    migrateCmd     `cmd:"" help:"Bring the database's schema up, take its newest step back, show where it stands, or grant its use to a role."`
	SigningKey signingKeyCmd  `cmd:"" help:"Make a key that signs tokens for OAuth clients: see serve --signing-key."`
	Client     clientCmd      `cmd:"" help:"Make, list, rotate and revoke OAuth clients: programs that get tokens of their own."`
	Token      tokenCmd       `cmd:"" help:"Issue a token signed with the data directory's key, and print it."`
	Watch      watchCmd       `cmd:"" help:"Print live changes as they arrive over a websocket."`
	Feed       feedCmd        `cmd:"" help:"Send a supplier's stock: CSV, JSON lines or an X12 846."`
	Traffic    demoTrafficCmd `cmd:"" name:"demo-traffic" help:"Make believable traffic at a gateway that has the demo data: customers, warehouses, suppliers and an operator at work."`
	Health     healthCmd      `cmd:"" help:"Ask a running gateway whether it is ready; exit 0 if it is."`

	Settings settingsCmd `cmd:"" help:"Print all settings of the gateway as tables in Markdown."`
}

// streams are where a command writes: answers to out, words about them to err.
type streams struct{ out, err io.Writer }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// From the first signal on the next one ends the process as it would any: whoever
	// can't wait for what is being stopped need not.
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], streams{os.Stdout, os.Stderr})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "redline:", strings.ReplaceAll(err.Error(), "\n", "\n  "))
		if _, some := errors.AsType[*partly](err); some {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// exited carries the exit code out of kong, which ends the process otherwise.
type exited int

// run parses a command line and runs what it says until ctx ends. Help is not
// an error.
func run(ctx context.Context, args []string, io streams) (err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case exited:
			if v != 0 {
				err = fmt.Errorf("exit code %d", v)
			}
		default:
			panic(v)
		}
	}()
	var c cli
	parser, err := kong.New(&c,
		kong.Name("redline"),
		kong.Description("A GraphQL gateway: one live view of stock and orders."),
		kong.DefaultEnvars("REDLINE"),
		kong.UsageOnError(),
		kong.Writers(io.out, io.err),
		kong.Exit(func(code int) { panic(exited(code)) }),
	)
	if err != nil {
		return fmt.Errorf("reading the command line: %w", err)
	}
	k, err := parser.Parse(args)
	if err != nil {
		if len(args) > 0 && args[0] == "serve" {
			return errors.Join(faultsOf(serveFlags(parser), args[1:]), faults(strangeVariables(parser)))
		}
		return err
	}
	k.BindTo(ctx, (*context.Context)(nil))
	k.Bind(io, parser)
	err = k.Run()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // it was asked to stop
	}
	return err
}
