package telemetry_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/proto"

	"redline/telemetry"
)

// The tests here set OpenTelemetry's environment, and its handler of errors, of which
// a program has one.

// collecting serves an OTLP collector over HTTP, and ends it with the test.
func collecting(t *testing.T, answer http.HandlerFunc) (url string) {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s.URL
}

// stopped stops a telemetry within a time, and returns how long that took.
func stopped(tel *telemetry.Telemetry, within time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	began := time.Now()
	err := tel.Stop(ctx)
	return time.Since(began), err
}

func request(t *testing.T) *http.Request {
	t.Helper()
	return httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
}

// Spans arrive at a collector, of a service that has a name, and the last of them when
// it stops.
func TestExport(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
	var mu sync.Mutex
	spans, resource := map[string]string{}, map[string]string{}
	url := collecting(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &sent)
		}
		if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("%s of %s: %v", r.URL.Path, r.Header.Get("Content-Type"), err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, of := range sent.GetResourceSpans() {
			note(resource, of.GetResource().GetAttributes())
			for _, scope := range of.GetScopeSpans() {
				for _, s := range scope.GetSpans() {
					spans[s.GetName()] = string(s.GetTraceId())
				}
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	})
	tel := watched(t, telemetry.Options{Export: true, Endpoint: url + "/v1/traces", Ratio: 1})
	ask(tel, request(t), `{ viewer }`)
	if _, err := stopped(tel, patience); err != nil {
		t.Fatal(err)
	}
	if id := spans["POST /graphql"]; len(spans) != 3 || id == "" || spans["query viewer"] != id || spans["orders.page"] != id {
		t.Errorf("there came %q", spans)
	}
	for name, want := range map[string]string{
		"service.name": "redline", "service.version": "test", "deployment.environment.name": "test", "telemetry.sdk.language": "go",
	} {
		if resource[name] != want {
			t.Errorf("%s is %q, want %q", name, resource[name], want)
		}
	}
}

func note(to map[string]string, attributes []*common.KeyValue) {
	for _, a := range attributes {
		to[a.GetKey()] = a.GetValue().GetStringValue()
	}
}

// A collector that hangs keeps no request waiting, however many there are, and Stop no
// longer than it is given; then nothing is being sent any more.
func TestACollectorThatHangs(t *testing.T) {
	asked, left := make(chan struct{}, 1), make(chan struct{}, 1)
	url := collecting(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // without which nobody sees the peer go
		asked <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	})
	tel := watched(t, telemetry.Options{Export: true, Endpoint: url + "/v1/traces", Ratio: 1})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3000 { // of three spans each: more than are kept for sending
			ask(tel, request(t), `{ viewer }`)
		}
	}()
	for what, is := range map[string]chan struct{}{"the collector was asked": asked, "all requests are answered": done} {
		select {
		case <-is:
		case <-time.After(patience):
			t.Fatalf("it never came to this: %s", what)
		}
	}
	const budget = 200 * time.Millisecond
	if took, err := stopped(tel, budget); err == nil || took > budget+patience/4 {
		t.Errorf("Stop took %s, and returned %v", took, err)
	}
	select {
	case <-left:
	case <-time.After(patience):
		t.Error("it goes on sending")
	}
}

// A collector that is down, or refuses, is told of once, however often it fails.
func TestACollectorThatFails(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	tried := make(chan struct{}, 1)
	url := collecting(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		tried <- struct{}{}
	})
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for what, at := range map[string]string{"refuses": url, "is down": gone.URL} {
		var mu sync.Mutex
		var log bytes.Buffer
		written := make(chan struct{}, 1)
		lines := slog.NewTextHandler(locked{&mu, &log, written}, nil)
		tel := watched(t, telemetry.Options{Export: true, Endpoint: at + "/v1/traces", Ratio: 1, Log: slog.New(lines)})
		told := func() int {
			mu.Lock()
			defer mu.Unlock()
			return strings.Count(log.String(), "traces can't be sent")
		}
		for range 5 {
			ask(tel, request(t), `{ viewer }`)
			if at == url {
				<-tried // each by itself
			}
		}
		for late := time.After(patience); told() == 0; {
			select {
			case <-written:
			case <-late:
				t.Fatalf("that it %s isn't logged", what)
			}
		}
		if took, _ := stopped(tel, patience); took > patience/2 {
			t.Errorf("where it %s, Stop took %s", what, took)
		}
		if n := told(); n != 1 {
			t.Errorf("that it %s is logged %d times", what, n)
		}
	}
}

// locked is a writer for many.
type locked struct {
	mu *sync.Mutex
	to io.Writer
	// written has a token for each line.
	written chan<- struct{}
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() {
		select {
		case l.written <- struct{}{}:
		default: // whoever waits for a line finds one there
		}
	}()
	return l.to.Write(p)
}
