package server_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"redline/server"
)

// patience is how long a test waits for what should come at once.
const patience = time.Minute

// running is a rig under Serve.
type running struct {
	served
	address string
	stop    context.CancelFunc
	ended   chan error // what Serve returned
}

// start serves a rig on a free port until stop is called or the test ends.
func start(tb testing.TB, r *rig) *running {
	tb.Helper()
	return startOn(tb, r, func(l net.Listener) net.Listener { return l })
}

// startOn is start with something around the listener.
func startOn(tb testing.TB, r *rig, around func(net.Listener) net.Listener) *running {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	transport := &http.Transport{}
	s := &running{
		served:  served{rig: r, url: "http://" + listener.Addr().String(), client: &http.Client{Transport: transport}},
		address: listener.Addr().String(),
		stop:    stop,
		ended:   make(chan error, 1),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.ended <- r.Serve(ctx, around(listener))
	}()
	tb.Cleanup(func() {
		transport.CloseIdleConnections()
		stop()
		<-done
	})
	return s
}

// dial opens a connection that fails the test's reads rather than hanging.
func (s *running) dial(tb testing.TB) net.Conn {
	tb.Helper()
	conn, err := new(net.Dialer).DialContext(tb.Context(), "tcp", s.address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		tb.Fatal(err)
	}
	return conn
}

// wait returns what Serve returned.
func (s *running) wait(tb testing.TB) error {
	tb.Helper()
	select {
	case err := <-s.ended:
		return err
	case <-time.After(patience):
		tb.Fatal("Serve does not return")
		return nil
	}
}

// ready asks a server whether it is, without the network.
func (r *rig) ready() answer {
	recorder := httptest.NewRecorder()
	r.ServeHTTP(recorder, httptest.NewRequestWithContext(context.Background(), http.MethodGet, server.PathReady, nil))
	return answer{recorder.Code, recorder.Header(), recorder.Body.String()}
}

// held makes the field slow wait until it is let go, and tells when it began.
func (r *rig) held() (began <-chan struct{}, letGo func()) {
	begun, release := make(chan struct{}, 1), make(chan struct{})
	r.schema.resolvers["slow"] = func(ctx context.Context, _ map[string]any) (any, error) {
		begun <- struct{}{}
		select {
		case <-release:
			return "done", nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return begun, func() { close(release) }
}

func TestStopFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	draining, drained := make(chan context.Context), make(chan struct{})
	r := newRig(t, server.ExecOptions{}, func(o *server.Options) {
		o.Drain = func(ctx context.Context) {
			draining <- ctx
			<-drained
		}
	})
	began, letGo := r.held()
	s := start(t, r)
	if got := s.do(t, call{method: http.MethodGet, path: server.PathReady}); got.status != http.StatusOK {
		t.Fatalf("not ready at first: %d %s", got.status, got.body)
	}
	result := make(chan answer, 1)
	go func() { result <- s.query(t, "{ slow }") }()
	<-began

	s.stop()
	budget := <-draining
	if _, bounded := budget.Deadline(); !bounded || budget.Err() != nil {
		t.Error("Drain is called without a budget, or after it")
	}
	s.ready().want(t, http.StatusServiceUnavailable, `{"ready":false,"notReady":["stopping"]}`)
	if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address); err == nil {
		conn.Close()
		t.Error("a connection is still taken when the sockets are drained")
	}
	select {
	case err := <-s.ended:
		t.Fatalf("Serve returned %v with a request under way", err)
	default:
	}
	letGo()
	got := <-result
	got.want(t, http.StatusOK, `{"data":{"slow":"done"}}`)
	close(drained)
	if err := s.wait(t); err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

// Before it closes the door, a stopping server says for a while that it will.
func TestStopSaysSoFirst(t *testing.T) {
	t.Parallel()
	const delay = time.Second
	s := start(t, newRig(t, server.ExecOptions{}, func(o *server.Options) { o.DrainDelay = delay }))
	s.do(t, call{method: http.MethodGet, path: server.PathReady}).want(t, http.StatusOK, `{"ready":true,"notReady":[]}`)
	stopped := time.Now()
	s.stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.ready().status == http.StatusOK {
		if time.Since(stopped) > patience {
			t.Fatal("the server stays ready")
		}
		<-tick.C
	}
	got := s.do(t, call{method: http.MethodGet, path: server.PathReady})
	got.want(t, http.StatusServiceUnavailable, `{"ready":false,"notReady":["stopping"]}`)
	s.query(t, "{ hello }").want(t, http.StatusOK, `{"data":{"hello":"world"}}`)
	if err := s.wait(t); err != nil {
		t.Errorf("Serve returned %v", err)
	}
	if took := time.Since(stopped); took < delay {
		t.Errorf("stopped after %s, before the delay of %s", took, delay)
	}
}

func TestStopGivesUpAfterTheBudget(t *testing.T) {
	t.Parallel()
	const budget = 100 * time.Millisecond
	r := newRig(t, server.ExecOptions{}, func(o *server.Options) { o.DrainBudget = budget })
	began, _ := r.held()
	cancelled := make(chan struct{})
	hold := r.schema.resolvers["slow"]
	r.schema.resolvers["slow"] = func(ctx context.Context, args map[string]any) (any, error) {
		defer close(cancelled)
		return hold(ctx, args)
	}
	s := start(t, r)
	result := make(chan error, 1)
	go func() {
		response, err := s.client.Do(call{body: `{"query":"{ slow }"}`}.request(t, s.url))
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		result <- err
	}()
	<-began
	s.stop()
	if err := s.wait(t); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "still running") {
		t.Errorf("Serve returned %v", err)
	}
	<-cancelled
	if err := <-result; err == nil {
		t.Error("the client got a whole answer")
	}
}

func TestServeTellsOfALostListener(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	err = newRig(t, server.ExecOptions{}).Serve(t.Context(), listener)
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve returned %v", err)
	}
}

// A client that sends its headers a byte at a time, or none, is cut off.
func TestSlowHeadersAreGivenUp(t *testing.T) {
	t.Parallel()
	s := start(t, newRig(t, server.ExecOptions{}, func(o *server.Options) { o.HeaderTimeout = 50 * time.Millisecond }))
	for _, sent := range []string{"", "POST /graphql HTTP/1.1\r\nHost: x\r\nX-Slow: "} {
		conn := s.dial(t)
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); err != nil {
			t.Errorf("after %q: %v", sent, err)
		}
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	s := start(t, newRig(t, server.ExecOptions{}, func(o *server.Options) { o.IdleTimeout = 50 * time.Millisecond }))
	conn := s.dial(t)
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn) // to the end of the connection
	if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200") {
		t.Errorf("%v, %s", err, got)
	}
}

func TestLongHeadersAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, newRig(t, server.ExecOptions{}))
	got := s.do(t, call{method: http.MethodGet, path: "/graphql?query=" + strings.Repeat("%20", 50_000)})
	if got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", got.status)
	}
}
