package server

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
)

// headerLastEventID is where a stream goes on from, in place of a cursor among its
// arguments.
const headerLastEventID = "Last-Event-ID"

const allowGraphQL = "GET, POST, OPTIONS"

// serveGraphQL answers /graphql: a websocket, or one operation by POST or GET.
func (s *Server) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Accept, Authorization")
	if socket := s.options.WebSocket; socket != nil && socket.Supports(r) {
		if s.stopping.Load() {
			s.refuse(w, r, unavailable("this server is stopping"))
			return
		}
		if !s.options.Origins.Allow(r) {
			s.refuseOrigin(w, r)
			return
		}
		socket.Do(w, r.WithContext(graphql.StartOperationTrace(r.Context())), s.options.Executor)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodPost:
	case http.MethodOptions:
		s.count(r)
		w.Header().Set("Allow", allowGraphQL)
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		s.count(r)
		s.refuse(w, r, *methodNotAllowed(allowGraphQL, "GraphQL is served by POST and, for queries, GET"))
		return
	}
	accepted := mediaRanges(r.Header.Values("Accept"))
	stream := negotiateStream(accepted)
	if s.options.Streams == nil {
		stream = streaming{}
	}
	mediaType, ok := negotiate(accepted)
	if !ok && !stream.only {
		s.count(r)
		s.refuse(w, r, failure{
			status:  http.StatusNotAcceptable,
			code:    codeNotAcceptable,
			message: "answers are application/graphql-response+json or application/json, in UTF-8, and those of subscriptions text/event-stream or multipart/mixed",
		})
		return
	}
	params, f := s.readParams(w, r)
	if f == nil && params == nil {
		r, params, f = s.openTicket(r, stream)
	}
	if f != nil {
		s.count(r)
		s.refuse(w, r, *f)
		return
	}
	if id := r.Header.Get(headerLastEventID); id != "" {
		params.Headers = http.Header{}
		params.Headers.Set(headerLastEventID, id) // and no other: a stream keeps it
	}
	if err := stopReadTimer(w); err != nil {
		s.options.Log.LogAttrs(r.Context(), slog.LevelWarn, "a long operation may be cut short",
			slog.String("reason", err.Error()))
	}
	response, refused, f := s.execute(r, params, stream)
	switch {
	case f != nil:
		s.refuse(w, r, *f)
	case response == nil:
		last(w)
		s.options.Streams.Serve(w, r, params, refused, s.options.Executor, stream.multipart)
	default:
		s.respond(w, r, mediaType, response)
	}
}

func (s *Server) readParams(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *failure) {
	if r.Method == http.MethodPost {
		return s.readPost(w, r)
	}
	return readGet(r)
}

func unavailable(message string) failure {
	return failure{
		status:  http.StatusServiceUnavailable,
		code:    codeUnavailable,
		message: message,
		header:  http.Header{"Retry-After": {retryAfterSeconds}},
	}
}

// execute runs a query or a mutation. A response without data says that
// nothing ran, and none at all that it is to be run as a stream; or, where it was
// refused, that the stream is to tell why.
func (s *Server) execute(r *http.Request, params *graphql.RawParams, stream streaming) (*graphql.Response, gqlerror.List, *failure) {
	ctx, cancel := context.WithTimeout(graphql.StartOperationTrace(s.admitted(r.Context())), s.options.RequestTimeout)
	defer cancel()
	executor := s.options.Executor
	operation, errs := executor.CreateOperationContext(ctx, params)
	refused := len(errs) > 0 // and so it is counted already
	// The operation is known as soon as the document is valid, even where its
	// variables are not; a mutation by GET is refused in either case.
	if chosen := operation.Operation; chosen != nil {
		if r.Method == http.MethodGet && (chosen.Operation == ast.Mutation || chosen.Operation == ast.Subscription && !stream.wanted) {
			if !refused {
				s.count(r)
			}
			return nil, nil, methodNotAllowed(http.MethodPost, "GET is for queries, and subscriptions as streams")
		}
		if chosen.Operation == ast.Subscription {
			stream.only = stream.wanted
			if !stream.wanted {
				if !refused {
					s.count(r)
				}
				errs = gqlerror.List{requestError(codeWebSocketRequired, "subscriptions run over a websocket: open one at this path, "+
					"with the subprotocol graphql-transport-ws; or ask for a stream, with Accept: text/event-stream")}
			}
		}
	}
	if len(errs) > 0 {
		response := executor.DispatchError(graphql.WithOperationContext(ctx, operation), errs)
		if stream.only { // whatever it is, its errors too are told in the stream
			return nil, response.Errors, nil
		}
		return response, nil, nil
	}
	if stream.only {
		return nil, nil, nil
	}
	responses, ctx := executor.DispatchOperation(ctx, operation)
	if response := responses(ctx); response != nil {
		return response, nil, nil
	}
	// Nothing came because the time was up, or the client gone, before the
	// operation began.
	return &graphql.Response{Errors: gqlerror.List{requestError(codeUnavailable, "the operation was not begun in time")}}, nil, nil
}

// respond writes what an operation gave, under the status that the media type
// asks for.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, mediaType string, response *graphql.Response) {
	status := statusOf(mediaType, response)
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", retryAfter(response.Errors))
	}
	if status != http.StatusOK || len(response.Errors) > 0 || r.Method != http.MethodGet || redline.PrincipalFrom(r.Context()).Authenticated() {
		w.Header().Set("Cache-Control", "no-store")
	}
	body := borrowBuffer()
	defer body.giveBack()
	encodeResponse(body, response)
	s.answer(w, r, status, mediaType, body.Bytes())
}

// statusOf is the table in the package's description, for well-formed requests.
func statusOf(mediaType string, response *graphql.Response) int {
	ran := len(response.Data) > 0
	switch {
	case !ran && all(response.Errors, codeRateLimited):
		return http.StatusTooManyRequests
	case mediaType == mediaJSON:
		return http.StatusOK
	case ran && !bytes.Equal(response.Data, []byte("null")):
		return http.StatusOK
	case all(response.Errors, codeUnavailable):
		return http.StatusServiceUnavailable
	case ran:
		return http.StatusOK
	case all(response.Errors, codeNotAllowed):
		return http.StatusForbidden
	default:
		return http.StatusBadRequest
	}
}

// all reports whether all errors, of which there are some, have a code.
func all(errs gqlerror.List, code string) bool {
	return len(errs) > 0 && !slices.ContainsFunc(errs, func(err *gqlerror.Error) bool { return codeOf(err) != code })
}

// retryAfter is in whole seconds what the most patient of the errors asks for
// in extensions.retryAfterMs.
func retryAfter(errs gqlerror.List) string {
	longest := time.Duration(0)
	for _, err := range errs {
		if ms, ok := err.Extensions["retryAfterMs"].(int64); ok {
			longest = max(longest, time.Duration(ms)*time.Millisecond)
		}
	}
	if longest <= 0 {
		return retryAfterSeconds
	}
	return seconds(longest)
}

// codeOf reads a code of whichever string type the presenter put there.
func codeOf(err *gqlerror.Error) string {
	switch code := err.Extensions["code"].(type) {
	case string:
		return code
	case redline.ErrorCode:
		return string(code)
	default:
		return ""
	}
}
