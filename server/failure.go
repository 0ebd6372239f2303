package server

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strconv"

	"redline"
)

// The codes of what is wrong with a request as such, beside those of the
// domain. Clients may rely on them.
const (
	codeBadRequest       = "BAD_REQUEST"
	codeUnauthenticated  = string(redline.CodeUnauthenticated)
	codeForbidden        = string(redline.CodeForbidden)
	codeNotFound         = string(redline.CodeNotFound)
	codeMethodNotAllowed = "METHOD_NOT_ALLOWED"
	codeNotAcceptable    = "NOT_ACCEPTABLE"
	codeTimeout          = "REQUEST_TIMEOUT"
	codeTooLarge         = "PAYLOAD_TOO_LARGE"
	codeMediaType        = "UNSUPPORTED_MEDIA_TYPE"
	codeInternal         = "INTERNAL"
	codeUnavailable      = string(redline.CodeUnavailable)

	codeLimitExceeded     = "LIMIT_EXCEEDED"
	codeRateLimited       = string(redline.CodeRateLimited)
	codeNotAllowed        = "OPERATION_NOT_ALLOWED"
	codeNotPersisted      = "PERSISTED_QUERY_NOT_FOUND"
	codeWebSocketRequired = "WEBSOCKET_REQUIRED"
)

// retryAfterSeconds goes with a 503 that says nothing better. A pool that was full a second ago
// often isn't any more.
const retryAfterSeconds = "1"

// failure is a refusal that no operation took part in. Its message never
// repeats anything of the body.
type failure struct {
	status  int
	code    string
	message string
	header  http.Header // further headers of the answer
	// extensions are further members of the error's, on /graphql.
	extensions map[string]any
}

func badRequest(format string, args ...any) *failure {
	return &failure{status: http.StatusBadRequest, code: codeBadRequest, message: fmt.Sprintf(format, args...)}
}

func methodNotAllowed(allow, message string) *failure {
	return &failure{
		status:  http.StatusMethodNotAllowed,
		code:    codeMethodNotAllowed,
		message: message,
		header:  http.Header{"Allow": {allow}},
	}
}

// refuse answers with a failure: in GraphQL's shape on /graphql, where clients
// look for errors, and as one error elsewhere.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, f failure) {
	id := redline.RequestIDFrom(r.Context())
	mediaType := mediaJSON
	var content any
	if r.URL.Path == PathGraphQL {
		type graphqlError struct {
			Message    string         `json:"message"`
			Extensions map[string]any `json:"extensions"`
		}
		extensions := map[string]any{"code": f.code, extensionRequestID: id}
		maps.Copy(extensions, f.extensions)
		if negotiated, ok := negotiate(mediaRanges(r.Header.Values("Accept"))); ok {
			mediaType = negotiated
		}
		content = map[string]any{"errors": []graphqlError{{f.message, extensions}}}
	} else {
		type plainError struct {
			Code      string `json:"code"`
			Message   string `json:"message"`
			RequestID string `json:"requestId"`
		}
		content = map[string]any{"error": plainError{f.code, f.message, id}}
	}
	maps.Copy(w.Header(), f.header)
	w.Header().Set("Cache-Control", "no-store")
	s.answerJSON(w, r, f.status, mediaType, content)
}

func (s *Server) answerJSON(w http.ResponseWriter, r *http.Request, status int, mediaType string, content any) {
	body, err := json.Marshal(content)
	if err != nil {
		panic(fmt.Errorf("writing an answer as JSON: %w", err))
	}
	s.answer(w, r, status, mediaType, body)
}

// answer sends a whole answer, with its length. The client may
// be gone by then, which is nobody's fault and told at debug level.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, status int, mediaType string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", mediaType+"; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if err := writeWhole(w, r, body); err != nil {
		s.options.Log.LogAttrs(r.Context(), slog.LevelDebug, "answer not delivered",
			slog.String("reason", err.Error()),
		)
	}
}
