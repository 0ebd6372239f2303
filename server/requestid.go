package server

import (
	"crypto/rand"
	"net/http"
	"strings"
)

const (
	headerRequestID    = "X-Request-Id"
	maxRequestIDLength = 64
)

// requestID takes over the caller's id for the request, so that its logs and
// ours can be laid side by side, if there is one and it is harmless in a log
// line. Else it makes one.
func requestID(header http.Header) string {
	if given := header.Values(headerRequestID); len(given) == 1 && harmless(given[0]) {
		return given[0]
	}
	return rand.Text()
}

func harmless(id string) bool {
	return id != "" && len(id) <= maxRequestIDLength && !strings.ContainsFunc(id, func(r rune) bool {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '_', r == '-':
			return false
		}
		return true
	})
}
