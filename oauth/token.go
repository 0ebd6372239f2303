package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"redline"
)

// outcomeIssued is what is told of a token that was issued; of others it is the error.
const outcomeIssued = "issued"

// The errors that are made in several places (RFC 6749 §5.2).
const (
	codeInvalidRequest = "invalid_request"
	codeUnavailable    = "temporarily_unavailable"
	// codeTooMany is of no RFC: there is none for who asks too often.
	codeTooMany = "too_many_requests"
)

// refusal is an error as §5.2 writes it.
type refusal struct {
	status int
	code   string
	// says is for people; it repeats nothing of the request.
	says string
	// wait is when to come again, where that helps.
	wait time.Duration
}

func invalidRequest(says string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: codeInvalidRequest, says: says}
}

// errClient is said of whoever can't prove which client it is, whatever the reason.
var errClient = &refusal{status: http.StatusUnauthorized, code: "invalid_client", says: "the client is not known, or the secret is not its own"}

// authenticateTimeout bounds what asking who somebody is may take.
const authenticateTimeout = 5 * time.Second

// unavailableWait is when to come again where nobody says better.
const unavailableWait = time.Second

// serveToken answers POST /oauth/token.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		s.refuse(w, &refusal{status: http.StatusMethodNotAllowed, code: codeInvalidRequest, says: "a token is asked for by POST"})
		return
	}
	asked, refused := readRequest(w, r)
	if refused != nil {
		s.refuse(w, refused)
		return
	}
	grant, refused := s.authenticate(r, asked)
	if refused != nil {
		s.refuse(w, refused)
		return
	}
	if grant.Scopes, refused = asked.narrow(grant.Scopes); refused != nil {
		s.refuse(w, refused)
		return
	}
	token, err := s.options.Issue(*grant, s.options.TTL)
	if err != nil {
		s.refuse(w, s.failed(r, fmt.Errorf("issuing a token for the client %s: %w", grant.ClientID, err)))
		return
	}
	s.options.Done(outcomeIssued)
	answer(w, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(s.options.TTL.Seconds()), "scope": strings.Join(grant.Scopes, " "),
	})
}

// authenticate proves which client it is, unless it was wrong too often of late.
func (s *Server) authenticate(r *http.Request, asked *tokenRequest) (*redline.ClientGrant, *refusal) {
	ctx, cancel := context.WithTimeout(r.Context(), authenticateTimeout)
	defer cancel()
	settle, wait, err := s.failures.take(ctx, origin{network: redline.NetworkOf(redline.AddressFrom(ctx)), client: asked.clientID})
	if err != nil {
		return nil, &refusal{status: http.StatusServiceUnavailable, code: codeUnavailable, says: "others from here are asked about still", wait: unavailableWait}
	}
	if wait > 0 {
		s.logRefused(ctx, asked, "too many wrong secrets")
		return nil, &refusal{status: http.StatusTooManyRequests, code: codeTooMany, says: "too many wrong secrets came from here", wait: wait}
	}
	is := unknown
	defer func() { settle(is) }()
	grant, err := s.options.Clients.ClientAuthenticate(ctx, asked.clientID, asked.secret)
	switch {
	case err == nil:
		is = right
		return grant, nil
	case redline.HasCode(err, redline.CodeUnauthenticated):
		is = wrong
		s.logRefused(ctx, asked, "unknown, revoked, or with a wrong secret")
		return nil, errClient
	}
	return nil, s.failed(r, err)
}

// logRefused tells who looks after the gateway which client is refused. What is no
// client's id may be anything, a secret in the wrong place too, and isn't repeated.
func (s *Server) logRefused(ctx context.Context, asked *tokenRequest, reason string) {
	if redline.IDPrefix(asked.clientID) != redline.PrefixClient {
		return
	}
	s.options.Log.LogAttrs(ctx, slog.LevelInfo, "client refused",
		slog.String("client", asked.clientID), slog.String("reason", reason))
}

// failed is what is said of a failure of ours. What isn't for callers is in the log.
func (s *Server) failed(r *http.Request, err error) *refusal {
	if known, ok := errors.AsType[*redline.Error](err); ok && known.Code == redline.CodeUnavailable {
		return &refusal{status: http.StatusServiceUnavailable, code: codeUnavailable, says: known.Message, wait: max(known.RetryAfter, unavailableWait)}
	}
	if r.Context().Err() != nil {
		// The client is gone, and so was whatever asked on its behalf.
		return &refusal{status: http.StatusServiceUnavailable, code: codeUnavailable, says: "the request was given up", wait: unavailableWait}
	}
	s.options.Log.LogAttrs(r.Context(), slog.LevelError, "a token could not be given",
		slog.String("reason", err.Error()))
	return &refusal{status: http.StatusInternalServerError, code: "server_error", says: "internal error"}
}

// refuse refuses a request for a token, of which is told.
func (s *Server) refuse(w http.ResponseWriter, f *refusal) {
	s.options.Done(f.code)
	write(w, f)
}

func write(w http.ResponseWriter, f *refusal) {
	if f.status == http.StatusUnauthorized {
		// §5.2 wants it where Basic was tried, and RFC 9110 §15.5.2 with every 401.
		w.Header().Set("WWW-Authenticate", `Basic realm="redline", charset="UTF-8"`)
	}
	if f.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.wait.Seconds()))))
	}
	answer(w, f.status, map[string]any{"error": f.code, "error_description": f.says})
}

func answer(w http.ResponseWriter, status int, content map[string]any) {
	body, err := json.Marshal(content)
	if err != nil {
		panic(fmt.Errorf("writing an answer: %w", err)) // texts and numbers always marshal
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Content-Type", "application/json;charset=UTF-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone, and can ask again
}
