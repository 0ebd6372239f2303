package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"

	"redline"
)

// refusal is an error, in the form in which the gateway says it at all paths but
// /graphql. Its message repeats nothing of the request.
type refusal struct {
	status  int
	code    string
	message string
	// header has what the status asks for beside it: which methods there are, how to say
	// who one is, when to come again.
	header http.Header
}

func methodNotAllowed(allow, message string) refusal {
	return refusal{status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED", message: message, header: http.Header{"Allow": {allow}}}
}

func badRequest(message string) refusal {
	return refusal{status: http.StatusBadRequest, code: "BAD_REQUEST", message: message}
}

func forbidden(message string) refusal {
	return refusal{status: http.StatusForbidden, code: string(redline.CodeForbidden), message: message}
}

func refuse(w http.ResponseWriter, r *http.Request, f refusal) {
	maps.Copy(w.Header(), f.header)
	answer(w, f.status, map[string]any{"error": map[string]string{
		"code": f.code, "message": f.message, "requestId": redline.RequestIDFrom(r.Context()),
	}})
}

// answer sends JSON that nobody is to keep.
func answer(w http.ResponseWriter, status int, content any) {
	body, err := json.Marshal(content)
	if err != nil {
		panic(fmt.Errorf("writing an answer: %w", err)) // texts and numbers always marshal
	}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone, and can ask again
}
