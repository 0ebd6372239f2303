package server

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"
)

// RateLimited is what a handler of Options.Public may be besides: it refuses in its own
// words, with 429, what comes from an address that has nothing left for so long.
type RateLimited interface {
	ServeRateLimited(w http.ResponseWriter, r *http.Request, wait time.Duration)
}

// blocked refuses a request from an address that has nothing left, before its token
// and its body are looked at.
func (s *Server) blocked(w http.ResponseWriter, r *http.Request) bool {
	if s.options.RateLimiter == nil {
		return false
	}
	blocked := s.options.RateLimiter.Blocked(r.Context())
	if blocked.Allowed {
		return false
	}
	if public, ok := s.options.Public[r.URL.Path].(RateLimited); ok {
		public.ServeRateLimited(w, r, blocked.RetryAfter)
		return true
	}
	s.refuse(w, r, failure{
		status: http.StatusTooManyRequests, code: codeRateLimited, message: rateLimited(blocked).Message,
		header:     http.Header{"Retry-After": {seconds(blocked.RetryAfter)}},
		extensions: rateLimited(blocked).Extensions,
	})
	return true
}

type admittedKey struct{}

// admitted says in a context that blocked has looked at the request's address, so that the
// executor doesn't again. It is for what the request itself runs: a websocket or a
// stream goes on for long after that.
func (s *Server) admitted(ctx context.Context) context.Context {
	if s.options.RateLimiter == nil {
		return ctx
	}
	return context.WithValue(ctx, admittedKey{}, true)
}

func isAdmitted(ctx context.Context) bool { return ctx.Value(admittedKey{}) != nil }

// count counts a request that is no operation against its address.
func (s *Server) count(r *http.Request) {
	if s.options.RateLimiter != nil {
		s.options.RateLimiter.Count(r.Context())
	}
}

// seconds writes a time in whole seconds, as Retry-After has it.
func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }
