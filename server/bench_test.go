package server_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"redline/server"
)

func benchmark(b *testing.B, execOptions server.ExecOptions, status int, documents ...string) {
	b.Helper()
	r := newRig(b, execOptions, func(o *server.Options) { o.Log = slog.New(slog.DiscardHandler) })
	bodies := make([][]byte, len(documents))
	for i, document := range documents {
		bodies[i] = []byte(bodyOf(b, document))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, server.PathGraphQL, bytes.NewReader(bodies[i%len(bodies)]))
		request.Header.Set("Content-Type", "application/json")
		recorder := httptest.NewRecorder()
		r.ServeHTTP(recorder, request)
		if recorder.Code != status {
			b.Fatalf("%d %s", recorder.Code, recorder.Body)
		}
	}
}

// usual is a document of the size that pages send.
const usual = `query Page($t: String) {
	hello echo(text: $t) user { id name friend { ...Card } } who
} fragment Card on User { id name friend { id name } }`

func BenchmarkKnownDocument(b *testing.B) {
	benchmark(b, server.ExecOptions{}, http.StatusOK, usual)
}

func BenchmarkNewDocument(b *testing.B) {
	benchmark(b, server.ExecOptions{DocumentCacheBytes: 1}, http.StatusOK, usual)
}

func BenchmarkRefuseNestedFragments(b *testing.B) {
	benchmark(b, server.ExecOptions{}, http.StatusBadRequest, bomb(17))
}

func BenchmarkRefuseRepeatedFields(b *testing.B) {
	benchmark(b, server.ExecOptions{}, http.StatusBadRequest, "{"+strings.Repeat("hello ", 10_000)+"}")
}
