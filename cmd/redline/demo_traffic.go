package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"redline"
	"redline/auth"
	"redline/traffic"
)

type demoTrafficCmd struct {
	caFlags `embed:""`

	URL      string        `default:"http://127.0.0.1:8080" help:"The gateway."`
	Rate     float64       `default:"5" help:"How many actions are begun a second, each of one to three calls; at most 1000."`
	Seed     uint64        `help:"Settles what is drawn: with the same seed and the same data the same is done in the same order. 0 draws one, which is printed."`
	Duration time.Duration `help:"End after so long; 0 goes on until interrupted."`
	Actions  int           `help:"End after so many actions; 0 goes on until interrupted."`
	Token    string        `help:"An operator's token, with which everything is done. Better given as REDLINE_TOKEN; left out, the shop, the suppliers and the operator have tokens made with the data directory's key."`
	DataDir  string        `default:".redline" help:"Where that key is."`
}

const (
	// trafficReports is how often it is said what was done.
	trafficReports = 10 * time.Second
	// trafficTimeout is how long one call of traffic may take.
	trafficTimeout = 15 * time.Second
	// trafficTTL is how long a token of traffic is good for. It is made anew after half of that.
	trafficTTL = time.Hour
	// trafficSubject is who traffic's shop and operator are.
	trafficSubject = "demo-traffic"
)

// Run makes traffic until it is interrupted, and says what it was.
func (c *demoTrafficCmd) Run(ctx context.Context, io streams) error {
	if err := errors.Join(checkTrafficRate("--rate", c.Rate), notNegative("--duration", c.Duration), notNegative("--actions", c.Actions)); err != nil {
		return err
	}
	transport, err := c.transport()
	if err != nil {
		return err
	}
	to, err := newTrafficGateway(c.URL, transport, streams{out: io.out, err: &sparse{to: io.err}})
	if err != nil {
		return err
	}
	if c.Token != "" {
		to.issue = func(traffic.Actor) (string, error) { return c.Token, nil }
	} else {
		key, err := localKey(c.DataDir)
		if err != nil {
			return err
		}
		to.issue = issuedBy(key)
	}
	if c.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Duration)
		defer cancel()
	}
	o := traffic.Options{
		Gateway: to, Rate: c.Rate, Seed: drawnSeed(c.Seed), Actions: c.Actions, ReportEvery: trafficReports,
		Report: func(s traffic.Summary) { fmt.Fprintln(io.out, s) },
	}
	fmt.Fprintf(io.err, "making traffic at %s, %g actions a second, --seed %d; interrupt to stop\n", c.URL, o.Rate, o.Seed)
	done, err := traffic.Run(ctx, o)
	fmt.Fprintf(io.out, "in all %s\n", done)
	return err
}

// checkTraffic refuses traffic of the gateway's own where it couldn't ask itself.
func (c *serveCmd) checkTraffic() error {
	var faults []error
	if c.DemoTraffic > 0 && c.configured() && len(c.SigningKey) == 0 {
		faults = append(faults, errors.New("--demo-traffic needs tokens of the gateway's own, and yours come from an issuer of your own: run redline demo-traffic beside it, with --token"))
	}
	if c.DemoTraffic > 0 && c.OperationsOnly {
		faults = append(faults, errors.New("--demo-traffic doesn't go together with --operations-only: its operations aren't among them"))
	}
	if c.DemoTraffic > 0 && c.TLSCert != "" {
		faults = append(faults, errors.New("--demo-traffic doesn't go together with --tls-cert: run redline demo-traffic beside it, with --ca"))
	}
	return errors.Join(faults...)
}

// demoTraffic makes traffic at the gateway itself from when it answers on, until ctx ends
// or stop is called. What it returns in place of ctx ends after ctx, once the
// traffic has ended: the gateway is stopped when nobody of its own asks it any more.
func (g *gateway) demoTraffic(ctx context.Context, url string, rate float64, key *auth.SigningKey) (serving context.Context, stop func(), err error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // it is this process
	to, err := newTrafficGateway(url, transport, streams{out: io.Discard, err: io.Discard})
	if err != nil {
		return nil, nil, err
	}
	to.issue = issuedBy(key)
	o := traffic.Options{
		Gateway: to, Rate: rate, Seed: drawnSeed(0), ReportEvery: trafficReports,
		Report: func(s traffic.Summary) { g.log.Debug("traffic of the demo", "so far", s.String()) },
	}
	ctx, cancel := context.WithCancel(ctx)
	serving, ended := context.WithCancel(context.WithoutCancel(ctx))
	var maker sync.WaitGroup
	maker.Go(func() {
		defer ended()
		g.log.Info("making traffic", "rate", rate, "seed", o.Seed)
		done, err := traffic.Run(ctx, o)
		transport.CloseIdleConnections()
		if err != nil {
			g.log.Warn("traffic of the demo ended", "error", err)
		}
		<-ctx.Done()
		g.log.Info("made traffic", "done", done.String())
	})
	return serving, func() { cancel(); maker.Wait() }, nil
}

// checkTrafficRate refuses a rate at which there can be no traffic.
func checkTrafficRate(flag string, rate float64) error {
	if !(rate > 0 && rate <= traffic.MaxRate) {
		return fmt.Errorf("%s is %g; it has to be more than 0 and at most %d actions a second", flag, rate, traffic.MaxRate)
	}
	return nil
}

func notNegative[N int | time.Duration](flag string, n N) error {
	if n < 0 {
		return fmt.Errorf("%s is %v; it can't be negative", flag, n)
	}
	return nil
}

// drawnSeed is the seed, or one that is drawn where there is none.
func drawnSeed(seed uint64) uint64 {
	return cmp.Or(seed, uint64(rand.Uint32())+1) // short enough to be typed again
}

// trafficGateway asks a gateway for each of traffic's actors with a token of its own. It
// is for one goroutine.
type trafficGateway struct {
	url       string
	transport http.RoundTripper
	io        streams
	issue     func(traffic.Actor) (string, error)
	// actors are those that have asked, as many as suppliers and two.
	actors map[traffic.Actor]*trafficActor
}

type trafficActor struct {
	*gatewayClient
	renew time.Time
}

// newTrafficGateway refuses an address at which there can't be a gateway.
func newTrafficGateway(url string, transport http.RoundTripper, io streams) (*trafficGateway, error) {
	if _, err := newGateway(url, "", transport, io); err != nil {
		return nil, err
	}
	return &trafficGateway{url: url, transport: transport, io: io, actors: map[traffic.Actor]*trafficActor{}}, nil
}

// Ask runs an operation, and tries again what may pass for as long as ctx lasts.
func (g *trafficGateway) Ask(ctx context.Context, as traffic.Actor, query string, variables map[string]any, into any) error {
	a := g.actors[as]
	if a == nil || time.Now().After(a.renew) {
		token, err := g.issue(as)
		if err != nil {
			return fmt.Errorf("making a token: %w", err)
		}
		client, err := newGateway(g.url, token, g.transport, g.io)
		if err != nil {
			return err
		}
		client.http.Timeout, client.retries = trafficTimeout, -1
		a = &trafficActor{client, time.Now().Add(trafficTTL / 2)}
		g.actors[as] = a
	}
	_, err := persevere(ctx, a.gatewayClient, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, a.ask(ctx, query, variables, into)
	})
	return err
}

// issuedBy makes tokens with a key, as `redline token` does.
func issuedBy(key *auth.SigningKey) func(traffic.Actor) (string, error) {
	return func(as traffic.Actor) (string, error) {
		claims := auth.Claims{Issuer: auth.DefaultIssuer, Audience: auth.DefaultAudience, Role: as.Role, Subject: trafficSubject + ":" + strings.ToLower(string(as.Role)), TTL: trafficTTL}
		if as.Role == redline.RoleSupplier {
			claims.Subject, claims.Suppliers = "supplier:"+as.Supplier, []string{as.Supplier}
		}
		return key.Issue(claims)
	}
}

// sparse writes at most one line every trafficReports: a gateway that is away needs no
// more words.
type sparse struct {
	to io.Writer

	mu   sync.Mutex
	next time.Time
}

// Write writes a line, or lets it go.
func (s *sparse) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.After(s.next) {
		s.next = now.Add(trafficReports)
		return s.to.Write(line)
	}
	return len(line), nil
}
