package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"redline"
)

// The paths that are served.
const (
	PathToken    = "/oauth/token"
	PathKeys     = "/.well-known/jwks.json"
	PathMetadata = "/.well-known/oauth-authorization-server"
)

// DefaultTTL is how long a token is good for unless Options say otherwise.
const DefaultTTL = time.Hour

// Clients knows the clients. The store implements it.
type Clients interface {
	// ClientAuthenticate says what the tokens of a client may say that has this id and
	// this secret. Otherwise it is a redline.Error UNAUTHENTICATED, which doesn't say
	// why; and UNAVAILABLE where nobody can be asked now.
	ClientAuthenticate(ctx context.Context, id, secret string) (*redline.ClientGrant, error)
}

// Options say who gets which tokens.
type Options struct {
	// Clients is required.
	Clients Clients
	// Issue signs a token for a client, with the grant's scopes and for so long.
	// Required.
	Issue func(grant redline.ClientGrant, ttl time.Duration) (string, error)
	// KeySet is the JWK Set of the keys that tokens are signed with. Required.
	KeySet []byte
	// TTL is how long a token is good for: DefaultTTL unless it is set, and at most
	// redline.MaxClientTokenTTL.
	TTL time.Duration
	// PublicURL is where callers find the gateway, as https://host: then there is
	// metadata. Without it there is none.
	PublicURL string
	// Done is told what came of each request: "issued", or the error as the
	// caller got it, of a small set. It may be nil, and must not block.
	Done func(outcome string)
	// Log is told of failures of ours, and of clients that are refused. Default slog.Default().
	Log *slog.Logger
}

// Server answers at the token endpoint and beside it.
type Server struct {
	options  Options
	metadata []byte // nil where there is none
	failures *failures
}

// New makes a server.
func New(options Options) (*Server, error) {
	if options.Clients == nil || options.Issue == nil || len(options.KeySet) == 0 {
		return nil, errors.New("oauth: Clients, Issue and KeySet are required")
	}
	options.TTL = cmp.Or(options.TTL, DefaultTTL)
	if options.TTL < time.Second || options.TTL > redline.MaxClientTokenTTL {
		return nil, fmt.Errorf("oauth: a token is good for 1s to %s, not %s", redline.MaxClientTokenTTL, options.TTL)
	}
	options.Log = cmp.Or(options.Log, slog.Default())
	if options.Done == nil {
		options.Done = func(string) {}
	}
	s := &Server{options: options, failures: newFailures()}
	if options.PublicURL != "" {
		if err := CheckPublicURL(options.PublicURL); err != nil {
			return nil, fmt.Errorf("oauth: %w", err)
		}
		s.metadata = metadata(strings.TrimSuffix(options.PublicURL, "/"))
	}
	return s, nil
}

// Handlers are what answers at each path. None of them looks at a bearer token, and each
// has a method ServeRateLimited for whom a limit before it keeps out.
func (s *Server) Handlers() map[string]http.Handler {
	handlers := map[string]http.Handler{
		PathToken: limited{http.HandlerFunc(s.serveToken), s.refuse},
		PathKeys:  limited{document("application/jwk-set+json", s.options.KeySet), write},
	}
	if s.metadata != nil {
		handlers[PathMetadata] = limited{document("application/json", s.metadata), write}
	}
	return handlers
}

// limited is a handler that can say as well that too much was asked from somewhere.
type limited struct {
	http.Handler
	refuse func(http.ResponseWriter, *refusal)
}

// ServeRateLimited refuses a request as one of too many, until so much later.
func (l limited) ServeRateLimited(w http.ResponseWriter, _ *http.Request, wait time.Duration) {
	l.refuse(w, &refusal{status: http.StatusTooManyRequests, code: codeTooMany, says: "too much was asked from here lately", wait: wait})
}

// CheckPublicURL refuses what can't be the name of an issuer (RFC 8414 §2): it is a
// scheme and a host alone, and https but on this machine.
func CheckPublicURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return errors.New("a public URL is a scheme and a host alone, such as https://redline.example.com")
	case u.Scheme == "https", u.Scheme == "http" && local(u.Hostname()):
		return nil
	}
	return errors.New("a public URL is https, or http to localhost")
}

func local(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }
