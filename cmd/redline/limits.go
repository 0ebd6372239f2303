package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/99designs/gqlgen/graphql/executor"

	"redline"
	"redline/graph"
	"redline/limit"
	"redline/live"
	"redline/server"
)

// limitFlags say what operations are run, and how much of them.
type limitFlags struct {
	Operations     string `type:"path" placeholder:"PATH" help:"Operations that clients may name by their ids: a folder of .graphql files, an Apollo manifest, or a JSON object of texts by ids."`
	OperationsOnly bool   `help:"Run no other operations than those of --operations."`
	MaxCost        int64  `default:"500000" help:"How many points one operation may cost."`

	RateLimit        float64 `placeholder:"POINTS" help:"How many points a second the operations of one principal, by issuer and subject, may cost in the long run; 0 sets no limit."`
	RateBurst        int64   `placeholder:"POINTS" help:"How many at once; left out, ten seconds' worth."`
	RateLimitAddress float64 `placeholder:"POINTS" help:"As --rate-limit, for one address, or one IPv6 network of 64 bits: all operations and refused requests from there."`
	RateBurstAddress int64   `placeholder:"POINTS" help:"How many at once; left out, ten seconds' worth."`
	RedisURL         string  `name:"redis-url" placeholder:"URL" help:"A Redis in which several gateways share their rate limit: redis://, rediss:// or unix://."`

	SocketOperations        int `default:"100" help:"How many operations one websocket may run at a time."`
	SocketMessageBytes      int `default:"65536" help:"How long a message on a websocket may be."`
	SocketMessagesPerSecond int `default:"100" help:"How many messages a second are read from one websocket in the long run; beyond that they wait in the network."`
	SocketMessageBurst      int `default:"200" help:"How many messages at once."`
}

// burstSeconds is how many seconds' worth of points a bucket holds unless a flag says.
const burstSeconds = 10

func bucket(rate float64, burst int64) limit.Bucket {
	if burst == 0 && rate > 0 {
		burst = max(int64(rate*burstSeconds), 1)
	}
	return limit.Bucket{Rate: rate, Burst: burst}
}

// checkLimits refuses flags that make no sense, all of them at once.
func (f *limitFlags) checkLimits() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if f.OperationsOnly && f.Operations == "" {
		fault("--operations-only needs --operations: it would refuse everything")
	}
	if f.MaxCost < 1 {
		fault("--max-cost is %d; it has to be at least 1", f.MaxCost)
	}
	for _, b := range []struct {
		rateFlag, burstFlag string
		rate                float64
		burst               int64
	}{
		{"--rate-limit", "--rate-burst", f.RateLimit, f.RateBurst},
		{"--rate-limit-address", "--rate-burst-address", f.RateLimitAddress, f.RateBurstAddress},
	} {
		if !(b.rate >= 0 && b.rate <= 1e9) {
			fault("%s is %g; it has to be between 0 and a billion", b.rateFlag, b.rate)
		}
		if b.burst < 0 || b.burst > 1e12 {
			fault("%s is %d; it can't be negative or more than a million million", b.burstFlag, b.burst)
		}
		if b.burst > 0 && b.rate == 0 {
			fault("%s without %s limits nothing", b.burstFlag, b.rateFlag)
		}
	}
	if f.RedisURL != "" && f.RateLimit == 0 && f.RateLimitAddress == 0 {
		fault("--redis-url without --rate-limit or --rate-limit-address has nothing to share")
	}
	if f.RedisURL != "" {
		if err := limit.CheckRedisURL(f.RedisURL); err != nil {
			fault("--redis-url: %w", err)
		}
	}
	if f.Operations != "" && f.MaxCost > 0 {
		// It takes no database to see whether they fit the contract.
		contract := graph.New(graph.Options{Log: slog.New(slog.DiscardHandler)})
		if _, err := f.executor(contract.Executor, true, nil); err != nil {
			faults = append(faults, err)
		}
	}
	for _, least := range []struct {
		flag string
		n    int
	}{
		{"--socket-operations", f.SocketOperations}, {"--socket-message-bytes", f.SocketMessageBytes},
		{"--socket-messages-per-second", f.SocketMessagesPerSecond}, {"--socket-message-burst", f.SocketMessageBurst},
	} {
		if least.n < 1 {
			fault("%s is %d; it has to be at least 1", least.flag, least.n)
		}
	}
	return errors.Join(faults...)
}

// limiter makes the rate limit; nil where none is asked for.
func (f *limitFlags) limiter(log *slog.Logger) (*limit.Limiter, error) {
	if f.RateLimit == 0 && f.RateLimitAddress == 0 {
		return nil, nil
	}
	return limit.New(limit.Options{
		Principal: bucket(f.RateLimit, f.RateBurst), Address: bucket(f.RateLimitAddress, f.RateBurstAddress), RedisURL: f.RedisURL, Log: log,
	})
}

// executor makes what runs the operations of all transports.
func (f *limitFlags) executor(make func() *executor.Executor, introspection bool, rate server.RateLimiter) (*server.Executor, error) {
	options := server.ExecOptions{
		MaxCost: f.MaxCost, Introspection: introspection, OperationsOnly: f.OperationsOnly, RateLimiter: rate,
	}
	if f.Operations != "" {
		var err error
		if options.Operations, err = server.LoadOperations(f.Operations); err != nil {
			return nil, fmt.Errorf("--operations: %w", err)
		}
	}
	exec, err := server.NewExecutor(make, options)
	if err != nil {
		return nil, fmt.Errorf("making the executor: %w", err)
	}
	return exec, nil
}

// socket bounds what one websocket may ask for.
func (f *limitFlags) socket(o live.WebSocketOptions) live.WebSocketOptions {
	o.MaxOperations, o.MaxMessageBytes = f.SocketOperations, f.SocketMessageBytes
	o.MessagesPerSecond, o.MessageBurst = f.SocketMessagesPerSecond, f.SocketMessageBurst
	return o
}

// counted is an authentication of sockets whose refusals are counted.
func counted(rate server.RateLimiter, authenticate func(context.Context, string, bool) (redline.Principal, error)) func(context.Context, string, bool) (redline.Principal, error) {
	if rate == nil {
		return authenticate
	}
	return func(ctx context.Context, authorization string, present bool) (redline.Principal, error) {
		p, err := authenticate(ctx, authorization, present)
		if err != nil {
			rate.Count(ctx)
		}
		return p, err
	}
}
