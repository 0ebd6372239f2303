package server

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// survive ends a request whose handler panicked. The caller learns the request
// id and nothing else; the log gets the cause and the stack. Where the answer
// had begun, the connection is cut, so that half an answer can't be taken for
// a whole one.
func (s *Server) survive(w *recorder, r *http.Request, cause any) {
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler)
	}
	s.options.Log.LogAttrs(r.Context(), slog.LevelError, "panic",
		slog.Any("cause", cause),
		slog.String("stack", string(debug.Stack())),
	)
	switch {
	case w.hijacked:
	case w.answered():
		panic(http.ErrAbortHandler)
	default:
		s.refuse(w, r, failure{status: http.StatusInternalServerError, code: codeInternal, message: "internal error"})
	}
}
