package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"redline"
)

// memberTicket is the parameter of a URL that has a ticket.
const memberTicket = "ticket"

// serveTicket gives a ticket for one operation, which is run when the ticket
// opens it, and again each time that it does, until the caller's token ends. The
// caller's rights are those that the token had when the ticket was given.
func (s *Server) serveTicket(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	params, f := s.readTicketRequest(w, r)
	if f != nil {
		s.count(r)
		s.refuse(w, r, *f)
		return
	}
	ctx := graphql.StartOperationTrace(s.admitted(r.Context()))
	if operation, errs := s.options.Executor.CreateOperationContext(ctx, params); len(errs) > 0 {
		s.respond(w, r, mediaGraphQL, s.options.Executor.DispatchError(graphql.WithOperationContext(ctx, operation), errs))
		return
	}
	s.count(r) // it is charged as an operation when it is opened
	variables, err := json.Marshal(params.Variables)
	if err != nil {
		s.refuse(w, r, *badRequest("variables must be a JSON object"))
		return
	}
	ticket, expires, err := s.options.Tickets.TicketIssue(r.Context(), redline.PrincipalFrom(r.Context()), redline.Operation{
		Query: params.Query, OperationName: params.OperationName, Variables: variables,
	})
	if err != nil {
		s.refuse(w, r, s.failed(r, "giving a ticket", err))
		return
	}
	s.answerJSON(w, r, http.StatusOK, mediaJSON, map[string]any{"ticket": ticket, "expiresAt": expires.UTC().Format(time.RFC3339)})
}

// readTicketRequest reads which operation a ticket is asked for.
func (s *Server) readTicketRequest(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *failure) {
	if r.Method != http.MethodPost {
		return nil, methodNotAllowed(http.MethodPost, "a ticket is asked for by POST")
	}
	params, f := s.readPost(w, r)
	if f != nil {
		return nil, f
	}
	// Who has no token needs no ticket, and could fill the database with them.
	if !redline.PrincipalFrom(r.Context()).Authenticated() {
		return nil, &failure{
			status: http.StatusUnauthorized, code: codeUnauthenticated, message: "a ticket is given for a token",
			header: http.Header{"Www-Authenticate": {"Bearer"}},
		}
	}
	return params, nil
}

// openTicket returns the operation that the ticket in a request's URL stands for,
// and the request as whoever it was given to makes it. A ticket opens streams
// alone, and needs no token beside it.
func (s *Server) openTicket(r *http.Request, stream streaming) (*http.Request, *graphql.RawParams, *failure) {
	if s.options.Tickets == nil || !stream.wanted {
		return r, nil, badRequest("a ticket opens a stream: ask for text/event-stream")
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(values[memberTicket]) != 1 || values.Get(memberQuery) != "" || values.Get(memberDocumentID) != "" {
		return r, nil, badRequest("a ticket stands alone in the URL")
	}
	principal, operation, err := s.options.Tickets.TicketOpen(r.Context(), values.Get(memberTicket))
	if err != nil {
		f := s.failed(r, "opening a ticket", err)
		return r, nil, &f
	}
	params := &graphql.RawParams{
		Query: operation.Query, OperationName: operation.OperationName,
		ReadTime: graphql.TraceTiming{Start: graphql.Now(), End: graphql.Now()},
	}
	if params.Variables, err = parseObject(string(operation.Variables)); err != nil {
		return r, nil, badRequest("the ticket's variables must be a JSON object")
	}
	return r.WithContext(redline.WithPrincipal(r.Context(), principal)), params, nil
}

// failed is what is answered where something of ours failed. What isn't for
// callers is in the log.
func (s *Server) failed(r *http.Request, doing string, err error) failure {
	known, ok := errors.AsType[*redline.Error](err)
	switch {
	case ok && known.Code == redline.CodeUnauthenticated:
		return failure{
			status: http.StatusUnauthorized, code: codeUnauthenticated, message: known.Message,
			header: http.Header{"Www-Authenticate": {`Bearer error="invalid_token"`}},
		}
	case ok && known.Code == redline.CodeUnavailable:
		return unavailable(known.Message)
	}
	s.options.Log.LogAttrs(r.Context(), slog.LevelError, "a request failed",
		slog.String("reason", fmt.Sprintf("%s: %v", doing, err)))
	return failure{status: http.StatusInternalServerError, code: codeInternal, message: "internal error"}
}
