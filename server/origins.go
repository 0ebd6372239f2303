package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/rs/cors"
)

// AnyOrigin in place of a list of origins stands for all of them.
const AnyOrigin = "*"

// preflightSeconds is how long a browser may go by what a preflight was answered.
const preflightSeconds = 600

// Origins are those whose pages may use the gateway from a browser: by fetch (CORS) and
// by websocket. None of it is about credentials that a browser adds by itself, as
// there are none: a page has a token, and sends it, or is anybody's.
type Origins struct {
	listed map[string]bool
	cors   *cors.Cors
}

// ParseOrigins reads a list of origins, scheme://host or scheme://host:port each, or
// AnyOrigin alone. It fails with all that is wrong with any of them. An empty list
// allows the gateway's own pages and no others.
func ParseOrigins(list []string) (*Origins, error) {
	var faults []error
	o := &Origins{listed: map[string]bool{}}
	var allowed []string
	for _, text := range list {
		origin, ok := parseOrigin(text)
		switch {
		case !ok:
			faults = append(faults, fmt.Errorf("%q is no origin: that is http or https, a host and perhaps a port, as https://shop.example", text))
		case origin == AnyOrigin && len(list) > 1:
			faults = append(faults, errors.New("* is every origin: no other goes beside it"))
		default:
			o.listed[origin] = true
			allowed = append(allowed, origin)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if len(allowed) > 0 { // without any, the library would allow all
		o.cors = newCORS(allowed)
	}
	return o, nil
}

// parseOrigin puts an origin into the form in which browsers send it: in lower case,
// and without the port that goes with its scheme anyway.
func parseOrigin(text string) (origin string, ok bool) {
	if text == AnyOrigin {
		return text, true
	}
	text = strings.ToLower(text)
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") ||
		strings.Contains(u.Host, "*") || u.Scheme+"://"+u.Host != text {
		return "", false
	}
	return u.Scheme + "://" + withoutPort(u.Scheme, u.Host), true
}

// withoutPort takes a scheme's own port from a host.
func withoutPort(scheme, host string) string {
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// newCORS says what pages of other origins may ask and send, and what of an answer
// they may see.
func newCORS(origins []string) *cors.Cors {
	return cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		AllowedHeaders: []string{
			"Accept", "Authorization", "Cache-Control", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Traceparent", "Tracestate", "X-Request-Id",
			// What Apollo's client, urql and graphql-sse send of their own accord.
			"Apollo-Require-Preflight", "Apollographql-Client-Name", "Apollographql-Client-Version", "X-Apollo-Operation-Id", "X-Apollo-Operation-Name",
			"Graphql-Client-Name", "Graphql-Client-Version", "X-Graphql-Event-Stream-Token", "X-Requested-With",
		},
		ExposedHeaders:       []string{"ETag", "Location", "Retry-After", "Www-Authenticate", "X-Request-Id"},
		MaxAge:               preflightSeconds,
		OptionsSuccessStatus: http.StatusNoContent,
	})
}

// Allow reports whether a request may open a websocket: those of listed origins'
// pages and of the gateway's own. What is no browser says no origin, and no page can
// leave it out.
func (o *Origins) Allow(r *http.Request) bool {
	given := r.Header.Values("Origin")
	switch {
	case len(given) == 0:
		return true
	case len(given) > 1:
		return false
	case o.listed[AnyOrigin]:
		return true
	}
	origin, ok := parseOrigin(given[0])
	if !ok || origin == AnyOrigin {
		return false
	}
	if o.listed[origin] {
		return true
	}
	scheme, host, _ := strings.Cut(origin, "://")
	// Who came by https isn't let in by a page that came without: anybody on the way
	// could have written that one. Where it isn't known, it isn't asked.
	if isSecure(r) && scheme != "https" {
		return false
	}
	return host == withoutPort(scheme, strings.ToLower(r.Host))
}

// maxLoggedOrigin bounds what a caller can put into a log line, in bytes.
const maxLoggedOrigin = 200

// refuseOrigin answers a websocket that Allow doesn't let in. The log says where the page
// is from, for whoever wonders what to list.
func (s *Server) refuseOrigin(w http.ResponseWriter, r *http.Request) {
	s.count(r)
	s.options.Log.LogAttrs(r.Context(), slog.LevelInfo, "origin refused",
		slog.String("origin", shorten(strings.Join(r.Header.Values("Origin"), ", "), maxLoggedOrigin)),
	)
	s.refuse(w, r, failure{status: http.StatusForbidden, code: codeForbidden, message: "pages of this origin may not open a websocket here"})
}

// answer says to a browser whether its page may see the answer, whatever it will be,
// and answers a preflight itself: that comes without a token. It reports whether it
// did.
func (o *Origins) answer(w http.ResponseWriter, r *http.Request) (answered bool) {
	if o.cors == nil || !forPages(r.URL.Path) {
		return false
	}
	o.cors.HandlerFunc(w, r)
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" // as the library has it
}

// forPages reports whether a path is for pages of other origins. What is for
// operators isn't, nor what takes a client's secret, which no page may have.
func forPages(path string) bool {
	return path == PathGraphQL || path == PathTicket
}

type secureKey struct{}

// withSecure notes that a request came by https, from its client to the first who
// took it for us.
func withSecure(ctx context.Context) context.Context {
	return context.WithValue(ctx, secureKey{}, true)
}

func isSecure(r *http.Request) bool {
	secure, _ := r.Context().Value(secureKey{}).(bool)
	return secure
}
