package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
)

// What an Options leaves at zero.
const (
	DefaultMaxBodyBytes             = 4 << 20
	DefaultMaxHeaderBytes           = 64 << 10
	DefaultHeaderTimeout            = 5 * time.Second
	DefaultBodyTimeout              = 15 * time.Second
	DefaultRequestTimeout           = 30 * time.Second
	DefaultWriteTimeout             = 15 * time.Second
	DefaultIdleTimeout              = 2 * time.Minute
	DefaultMaxConnections           = 110_000
	DefaultMaxConnectionsPerAddress = 22_000
	DefaultDrainBudget              = 10 * time.Second
)

// Options says what a Server serves, and within what bounds. Zero sizes and
// times stand for their defaults; none can be switched off.
type Options struct {
	// Executor runs the operations, of all transports. Required. NewExecutor makes one.
	Executor graphql.GraphExecutor
	// Authenticate turns the values of all Authorization headers of a request
	// into a principal. Required. It is not called without such a header: that
	// is the anonymous storefront. Nor with several, which are refused like a
	// bad token. Any error means a bad token; its text goes to the log and
	// must not repeat the token.
	Authenticate func(ctx context.Context, authorization []string) (redline.Principal, error)
	// WebSocket answers the requests to /graphql that it supports, before
	// anything but their Origin is looked at, with the same executor. Without it
	// there are no subscriptions.
	WebSocket graphql.Transport
	// Streams answers subscriptions over HTTP. Without it there are none.
	Streams Streams
	// Tickets keeps what a client that can't send a token may run with a ticket.
	// Without it there are none.
	Tickets Tickets
	// RateLimiter counts requests that never become operations; the executor counts
	// those that do. Without it nobody does.
	RateLimiter RateLimiter
	// Metrics answers GET /metrics. Without it there is nothing at that path.
	Metrics http.Handler
	// Static answers at these paths, whatever the method and before any token is looked
	// at, with what is in memory and the same for everybody: a page, and what it loads. It
	// takes no work but to be sent, and so it isn't counted, and is there for an
	// address that has no point left. None may be a path of the server's own.
	Static map[string]http.Handler
	// Public answers at these paths, whatever the method and before any token is looked
	// at: for those who have none yet. None may be a path of the server's own or of
	// Static. Each request counts a point against its address; a handler that is a RateLimited says
	// itself that there is none left.
	Public map[string]http.Handler
	// Private answers at these paths, whatever the method, once the token was looked at,
	// with the principal in the request's context, which is the anonymous storefront where
	// there was none. None may be a path of the server's own or of the others. Each
	// request counts a point against its address.
	Private map[string]http.Handler
	// Ready is what must work for /readyz to say so.
	Ready []Check
	// Drain ends the connections that were hijacked: the websockets. Serve
	// calls it once no new connection is taken any more; it should return when
	// they are closed, and before its context ends.
	Drain func(ctx context.Context)
	// Certificates has the server speak https, and nothing else. Without them it
	// speaks plain HTTP.
	Certificates *Certificates
	// Proxies are those who are believed on whom a request comes from, and by what.
	// Default none: it comes from whoever connected.
	Proxies Proxies
	// Origins are those whose pages may read what is answered to them, and open
	// websockets. Default none but the gateway's own.
	Origins *Origins
	// HSTS is how long a browser that came by https is to come by nothing else, for
	// this host and none below it: a second at least. Default not at all.
	HSTS time.Duration
	// Observer is told of each request. Nil is nobody.
	Observer Observer
	// Log gets the access log, refused tokens and panics. slog.Default unless set.
	Log *slog.Logger

	// MaxConnections is how many may be open at once, websockets aside; one more is
	// closed at once. Default 110,000.
	MaxConnections int
	// MaxConnectionsPerAddress is how many of them one address may have, as
	// redline.NetworkOf counts those who connect; trusted proxies may have all. One more
	// is closed at once. Default 22,000.
	MaxConnectionsPerAddress int
	// MaxBodyBytes is the longest body that is read. Default 4 MiB, which a
	// supplier's feed of 10,000 rows has room in.
	MaxBodyBytes int64
	// MaxHeaderBytes bounds the request line and the headers, and so the
	// length of a GET query. Default 64 KiB.
	MaxHeaderBytes int
	// HeaderTimeout is how long a client may take to send its headers, and before
	// the first of them for the handshake of TLS. Default 5 s.
	HeaderTimeout time.Duration
	// BodyTimeout is how long it may take to send the body after them.
	// Default 15 s.
	BodyTimeout time.Duration
	// RequestTimeout ends the context of an operation. Default 30 s.
	RequestTimeout time.Duration
	// WriteTimeout is how long a client may take to read an answer. Default 15 s.
	WriteTimeout time.Duration
	// IdleTimeout is how long a connection is kept for a next request.
	// Default 2 min.
	IdleTimeout time.Duration
	// DrainDelay is how long a stopping server goes on taking connections
	// while /readyz already says no, for load balancers to notice. It is part
	// of DrainBudget. Default none.
	DrainDelay time.Duration
	// DrainBudget is how long stopping may take in all. Default 10 s.
	DrainBudget time.Duration
}

// Streams runs an operation over HTTP and writes what comes of it until its end,
// as server-sent events or as the parts of a multipart subscription. Where it was
// refused, refused is why, as it is shown: that is all that the stream tells, and
// nothing is run.
type Streams interface {
	Serve(w http.ResponseWriter, r *http.Request, params *graphql.RawParams, refused gqlerror.List, exec graphql.GraphExecutor, multipart bool)
}

// Tickets are what a browser's EventSource opens a stream with, which can't send
// a token: each stands for one operation and for who asked for it.
type Tickets interface {
	// TicketIssue keeps an operation for a principal with a token, and returns the
	// ticket and when it ends: with the token.
	TicketIssue(ctx context.Context, p redline.Principal, operation redline.Operation) (ticket string, expires time.Time, err error)
	// TicketOpen returns what was kept. A ticket that is unknown or has ended is a
	// redline.Error UNAUTHENTICATED.
	TicketOpen(ctx context.Context, ticket string) (redline.Principal, redline.Operation, error)
}

// Check is one thing that must work for the process to be ready.
type Check struct {
	// Name is public: /readyz lists the names of failing checks.
	Name string
	// Probe returns why it does not work; the text goes to the log. It must heed its
	// context, which gives all checks together two seconds.
	Probe func(ctx context.Context) error
	// Public says that the text tells nothing of hosts, accounts or the like: /readyz
	// gives it too.
	Public bool
}

func (o Options) complete() (Options, error) {
	if o.Executor == nil {
		return o, errors.New("server: an Executor is required")
	}
	if o.Authenticate == nil {
		return o, errors.New("server: an Authenticate is required")
	}
	taken := slices.Clone(ownPaths)
	for _, others := range []map[string]http.Handler{o.Static, o.Public, o.Private} {
		for path, handler := range others {
			if handler == nil || slices.Contains(taken, path) {
				return o, fmt.Errorf("server: nobody else can answer at %q", path)
			}
		}
		taken = slices.AppendSeq(taken, maps.Keys(others))
	}
	for _, check := range o.Ready {
		if check.Name == "" || check.Probe == nil {
			return o, errors.New("server: every check needs a name and a probe")
		}
	}
	for name, value := range map[string]int64{
		"HSTS":                     int64(o.HSTS),
		"MaxConnections":           int64(o.MaxConnections),
		"MaxConnectionsPerAddress": int64(o.MaxConnectionsPerAddress),
		"MaxBodyBytes":             o.MaxBodyBytes,
		"MaxHeaderBytes":           int64(o.MaxHeaderBytes),
		"HeaderTimeout":            int64(o.HeaderTimeout),
		"BodyTimeout":              int64(o.BodyTimeout),
		"RequestTimeout":           int64(o.RequestTimeout),
		"WriteTimeout":             int64(o.WriteTimeout),
		"IdleTimeout":              int64(o.IdleTimeout),
		"DrainDelay":               int64(o.DrainDelay),
		"DrainBudget":              int64(o.DrainBudget),
	} {
		if value < 0 {
			return o, fmt.Errorf("server: %s is negative", name)
		}
	}
	if o.HSTS > 0 && o.HSTS < time.Second {
		return o, fmt.Errorf("server: an HSTS of %s is less than a second, which would have browsers forget it", o.HSTS)
	}
	if o.Origins == nil {
		o.Origins = &Origins{}
	}
	if o.Observer == nil {
		o.Observer = unobserved{}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.MaxConnections = cmp.Or(o.MaxConnections, DefaultMaxConnections)
	o.MaxConnectionsPerAddress = cmp.Or(o.MaxConnectionsPerAddress, DefaultMaxConnectionsPerAddress)
	o.MaxBodyBytes = cmp.Or(o.MaxBodyBytes, DefaultMaxBodyBytes)
	o.MaxHeaderBytes = cmp.Or(o.MaxHeaderBytes, DefaultMaxHeaderBytes)
	o.HeaderTimeout = cmp.Or(o.HeaderTimeout, DefaultHeaderTimeout)
	o.BodyTimeout = cmp.Or(o.BodyTimeout, DefaultBodyTimeout)
	o.RequestTimeout = cmp.Or(o.RequestTimeout, DefaultRequestTimeout)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, DefaultWriteTimeout)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, DefaultIdleTimeout)
	o.DrainBudget = cmp.Or(o.DrainBudget, DefaultDrainBudget)
	if o.DrainDelay >= o.DrainBudget {
		return o, fmt.Errorf("server: DrainDelay (%s) leaves nothing of DrainBudget (%s)", o.DrainDelay, o.DrainBudget)
	}
	return o, nil
}
