package server

import (
	"errors"
	"log/slog"
	"net/http"

	"redline"
)

var errSeveralAuthorizations = errors.New("more than one Authorization header")

// authenticate says who is asking. All bad tokens get the same answer, so that
// nobody can tell from it how near a forged one came; why it was refused is in
// the log, under the request id.
func (s *Server) authenticate(w http.ResponseWriter, r *http.Request) (redline.Principal, bool) {
	given := r.Header.Values("Authorization")
	if len(given) == 0 {
		return redline.Anonymous(), true
	}
	err := errSeveralAuthorizations
	if len(given) == 1 {
		var principal redline.Principal
		if principal, err = s.options.Authenticate(r.Context(), given); err == nil {
			return principal, true
		}
	}
	s.options.Log.LogAttrs(r.Context(), slog.LevelInfo, "token refused",
		slog.String("reason", err.Error()),
	)
	s.refuse(w, r, failure{
		status:  http.StatusUnauthorized,
		code:    codeUnauthenticated,
		message: "the token is not valid",
		header:  http.Header{"Www-Authenticate": {`Bearer error="invalid_token"`}},
	})
	return redline.Principal{}, false
}
