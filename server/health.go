package server

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

const (
	probesTimeout = 2 * time.Second
	// notReadyStopping is the name under which a stopping server is not ready.
	notReadyStopping = "stopping"
)

// serveHealth says that the process lives, whatever else does not work: an
// orchestrator that restarts it for a lost database would make things worse.
func (s *Server) serveHealth(w http.ResponseWriter, r *http.Request) {
	if !s.probeMethod(w, r) {
		return
	}
	s.answerJSON(w, r, http.StatusOK, mediaJSON, map[string]any{"alive": true})
}

// serveReady says whether requests should be sent here, and if not, the names
// of what is amiss. Why is in the log, and here where that tells of no hosts and
// accounts.
func (s *Server) serveReady(w http.ResponseWriter, r *http.Request) {
	if !s.probeMethod(w, r) {
		return
	}
	type readiness struct {
		Ready    bool     `json:"ready"`
		NotReady []string `json:"notReady"`
		// Reasons are by the names of checks.
		Reasons map[string]string `json:"reasons,omitempty"`
	}
	failing, reasons := s.failingChecks(r.Context())
	if len(failing) == 0 {
		s.answerJSON(w, r, http.StatusOK, mediaJSON, readiness{Ready: true, NotReady: []string{}})
		return
	}
	s.answerJSON(w, r, http.StatusServiceUnavailable, mediaJSON, readiness{NotReady: failing, Reasons: reasons})
}

func (s *Server) probeMethod(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	s.refuse(w, r, *methodNotAllowed("GET, HEAD", "this path answers GET and HEAD"))
	return false
}

// EachCheck tries each check of readiness and says whether it passes; a server that
// stops passes none.
func (s *Server) EachCheck(ctx context.Context, say func(name string, passed bool)) {
	ctx, cancel := context.WithTimeout(ctx, probesTimeout)
	defer cancel()
	stopping := s.stopping.Load()
	say(notReadyStopping, !stopping)
	for _, check := range s.options.Ready {
		say(check.Name, !stopping && check.Probe(ctx) == nil)
	}
}

// failingChecks names what is not ready, in the order of the options, and says why where
// that is public. A stopping server probes nothing: what it leans on may be gone already.
func (s *Server) failingChecks(ctx context.Context) (failing []string, reasons map[string]string) {
	if s.stopping.Load() {
		return []string{notReadyStopping}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, probesTimeout)
	defer cancel()
	reasons = map[string]string{}
	for _, check := range s.options.Ready {
		if err := check.Probe(ctx); err != nil {
			failing = append(failing, check.Name)
			if check.Public {
				reasons[check.Name] = err.Error()
			}
			s.options.Log.LogAttrs(ctx, slog.LevelWarn, "not ready",
				slog.String("check", check.Name), slog.String("reason", err.Error()))
		}
	}
	return failing, reasons
}
