package server

import (
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"redline"
)

// maxLoggedPath bounds what a caller can put into a log line, in bytes.
const maxLoggedPath = 200

// secret is what tokens and clients' secrets look like, of which one may stand in a
// path by mistake.
var secret = regexp.MustCompile(`eyJ[\w-]{8,}[\w.-]*|rls_[\w-]{8,}`)

// loggedPath is a path as the log has it: short, and without what shouldn't be there.
func loggedPath(path string) string {
	return shorten(secret.ReplaceAllString(path, "[redacted]"), maxLoggedPath)
}

// roleNobody is the role in the log of who sent no token, or a bad one.
const roleNobody = "anonymous"

// logAccess writes the one line for each request. It names the path without
// its query string, which holds the query and the variables of a GET, and
// nothing of headers or bodies. Health probes are told at debug level, since
// there would be little else in the log.
func (s *Server) logAccess(r *http.Request, w *recorder, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case r.URL.Path == PathHealth || r.URL.Path == PathReady:
		level = slog.LevelDebug
	case w.status == http.StatusServiceUnavailable:
		// Somebody was asked to come again, by design or because of what is told of by itself.
		level = slog.LevelWarn
	case w.status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	ctx := r.Context()
	handler := s.options.Log.Handler()
	if !handler.Enabled(ctx, level) {
		return
	}
	principal := redline.PrincipalFrom(ctx)
	role := string(principal.Role)
	if !principal.Authenticated() {
		role = roleNobody
	}
	// The logger would look up who calls it, which takes as long as the line,
	// and is always here.
	line := slog.NewRecord(time.Now(), level, "request", 0)
	line.AddAttrs(
		slog.String("method", r.Method),
		slog.String("path", loggedPath(r.URL.Path)),
		slog.Int("status", w.status),
		slog.Int64("bytes", w.bytes),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("address", redline.AddressFrom(ctx)),
		slog.String("role", role),
		slog.String("subject", principal.Subject),
	)
	if name, outcome := s.options.Observer.Operation(ctx); name != "" {
		line.AddAttrs(slog.String("operation", name), slog.String("outcome", outcome))
	}
	_ = handler.Handle(ctx, line) // as the logger has it: there is nobody to tell
}
