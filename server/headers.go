package server

import (
	"net/http"
	"strconv"
	"time"
)

// PolicyAPI is the Content-Security-Policy of every answer that says nothing else: it is
// data, in which nothing runs, and which no page shows in a frame. A handler that
// serves a page sets its own.
const PolicyAPI = "default-src 'none'; frame-ancestors 'none'"

// What every answer says. The values are shared: a handler sets another, and adds
// to none.
var (
	headerNoSniff    = []string{"nosniff"}
	headerPolicy     = []string{PolicyAPI}
	headerNoReferrer = []string{"no-referrer"}
	headerSameOrigin = []string{"same-origin"}
)

// protect says to browsers what they may not do with an answer. That only https is
// to be spoken from now on is said where it is spoken already: on plain HTTP a
// browser has to overlook it (RFC 6797 §7.2).
func (s *Server) protect(header http.Header, secure bool) {
	header["X-Content-Type-Options"] = headerNoSniff
	header["Content-Security-Policy"] = headerPolicy
	header["Referrer-Policy"] = headerNoReferrer
	header["Cross-Origin-Resource-Policy"] = headerSameOrigin
	if secure && s.strictTransport != nil {
		header["Strict-Transport-Security"] = s.strictTransport
	}
}

// strictTransport is the value of Strict-Transport-Security: for this host alone,
// since what its neighbours serve isn't ours to say. It is nil where none is wanted.
func strictTransport(hsts time.Duration) []string {
	if hsts <= 0 {
		return nil
	}
	return []string{"max-age=" + strconv.FormatInt(int64(hsts/time.Second), 10)}
}
