package server_test

import (
	"net/http"
	"testing"
)

// That somebody was asked to come again is a warning in the log.
func TestAccessLogLevels(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]struct {
		status int
		level  string
	}{
		`{ hello }`:    {http.StatusOK, "INFO"},
		`{ nothing }`:  {http.StatusBadRequest, "INFO"},
		`{ downHard }`: {http.StatusServiceUnavailable, "WARN"},
	} {
		s := newServed(t)
		if got := s.query(t, document); got.status != want.status {
			t.Errorf("%s gives %d", document, got.status)
		}
		for _, line := range s.log.lines(t, "request") {
			if line["level"] != want.level {
				t.Errorf("%s is logged as %v", document, line)
			}
		}
	}
}
