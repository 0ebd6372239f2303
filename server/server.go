package server

import (
	"net/http"
	"sync/atomic"
	"time"

	"redline"
)

// The paths that are served.
const (
	PathGraphQL = "/graphql"
	PathTicket  = "/graphql/ticket"
	PathMetrics = "/metrics"
	PathHealth  = "/healthz"
	PathReady   = "/readyz"
)

// ownPaths are those paths.
var ownPaths = []string{PathGraphQL, PathTicket, PathMetrics, PathHealth, PathReady}

// Server answers HTTP. It is safe for concurrent use, and serves one listener
// in its life.
type Server struct {
	options Options
	// strictTransport is what Strict-Transport-Security says; nil where nothing.
	strictTransport []string
	// stopping is set once, when Serve's context ends.
	stopping atomic.Bool
}

var _ http.Handler = (*Server)(nil)

// New returns a server that is ready to Serve. It fails where a required
// option is missing or a bound makes no sense.
func New(options Options) (*Server, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	return &Server{options: options, strictTransport: strictTransport(options.HSTS)}, nil
}

// ServeHTTP takes a request through the pipeline that the package describes.
//
// The health paths, the metrics, Options.Static and Options.Public look at no token: the
// first tell the same to everybody, and /healthz is 200 for as long as the process lives.
// Every other path, known or not, refuses a bad token before it looks at anything else.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	out := &recorder{ResponseWriter: w}
	id := requestID(r.Header)
	out.Header().Set(headerRequestID, id)
	address, secure := s.options.Proxies.clientOf(r)
	s.protect(out.Header(), secure)
	ctx := redline.WithAddress(redline.WithRequestID(r.Context(), id), address)
	if secure {
		ctx = withSecure(ctx)
	}
	r = r.WithContext(ctx)
	r = r.WithContext(s.options.Observer.Begin(r))

	// Deferred calls run from the last to the first: the panic is answered
	// before the access log tells the status.
	defer func() {
		took := time.Since(began)
		s.logAccess(r, out, took)
		s.options.Observer.End(r.Context(), r, out.status, took, out.hijacked || out.long)
	}()
	defer func() {
		if cause := recover(); cause != nil {
			s.survive(out, r, cause)
		}
	}()

	if s.options.Origins.answer(out, r) {
		// It counts, and is answered in any case: a page whose preflight is refused can't
		// be told why.
		s.count(r)
		return
	}
	switch r.URL.Path {
	case PathHealth:
		s.serveHealth(out, r)
		return
	case PathReady:
		s.serveReady(out, r)
		return
	case PathMetrics:
		if s.options.Metrics != nil {
			s.options.Metrics.ServeHTTP(out, r)
			return
		}
	}
	if static := s.options.Static[r.URL.Path]; static != nil {
		static.ServeHTTP(out, r)
		return
	}
	if s.blocked(out, r) {
		return
	}
	if public := s.options.Public[r.URL.Path]; public != nil {
		s.count(r)
		public.ServeHTTP(out, r)
		return
	}
	principal, ok := s.authenticate(out, r)
	if !ok {
		s.count(r)
		return
	}
	r = r.WithContext(redline.WithPrincipal(r.Context(), principal))
	switch {
	case r.URL.Path == PathGraphQL:
		s.serveGraphQL(out, r)
		return
	case r.URL.Path == PathTicket && s.options.Tickets != nil:
		s.serveTicket(out, r)
		return
	}
	s.count(r)
	if private := s.options.Private[r.URL.Path]; private != nil {
		private.ServeHTTP(out, r)
		return
	}
	s.refuse(out, r, failure{status: http.StatusNotFound, code: codeNotFound, message: "there is nothing at this path"})
}
