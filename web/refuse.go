package web

import (
	"encoding/json"
	"fmt"
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
	// allow are the methods that are taken, where another was tried.
	allow string
	// challenge is how to say who one is, where that is missing.
	challenge string
}

func methodNotAllowed(allow, message string) refusal {
	return refusal{status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED", message: message, allow: allow}
}

func badRequest(message string) refusal {
	return refusal{status: http.StatusBadRequest, code: "BAD_REQUEST", message: message}
}

func forbidden(message string) refusal {
	return refusal{status: http.StatusForbidden, code: string(redline.CodeForbidden), message: message}
}

func refuse(w http.ResponseWriter, r *http.Request, f refusal) {
	if f.allow != "" {
		w.Header().Set("Allow", f.allow)
	}
	if f.challenge != "" {
		w.Header().Set("Www-Authenticate", f.challenge)
	}
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
