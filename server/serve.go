package server

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// HTTP/2 has many requests on one connection.
const (
	// maxStreams is how many may be under way on one.
	maxStreams = 250
	// pingAfter is the silence after which a peer is asked whether it is there, which
	// it has to answer within net/http's 15 s.
	pingAfter = 30 * time.Second
)

// complaints is where net/http says what it has to complain of. Handshakes that come
// to nothing are what any port on the internet sees all day.
type complaints struct{ log *slog.Logger }

// Write logs one complaint.
func (c complaints) Write(line []byte) (int, error) {
	text, level := strings.TrimSuffix(string(line), "\n"), slog.LevelWarn
	if strings.HasPrefix(text, "http: TLS handshake error") {
		level = slog.LevelDebug
	}
	c.log.Log(context.Background(), level, text)
	return len(line), nil
}

// Serve takes connections from the listener until the context ends, and then
// stops in order:
//
//  1. /readyz says no, and new websockets are refused. For DrainDelay
//     everything else goes on, so that load balancers notice.
//  2. The listener is closed.
//  3. Drain is called for the websockets, while requests that are under way
//     are finished.
//
// The end of the context does not reach the requests. Serve returns nil when
// all of them were answered within DrainBudget. Otherwise it cancels their
// contexts, closes their connections, and returns an error. It closes the
// listener in every case, and is called once in a server's life.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	requests, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	// ReadTimeout and WriteTimeout stand behind whatever no handler reads or
	// answers; both count from the start of a request, and so are sums.
	web := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.options.HeaderTimeout,
		ReadTimeout:       s.options.HeaderTimeout + s.options.BodyTimeout,
		WriteTimeout:      s.options.BodyTimeout + s.options.RequestTimeout + s.options.WriteTimeout,
		IdleTimeout:       s.options.IdleTimeout,
		MaxHeaderBytes:    s.options.MaxHeaderBytes,
		ErrorLog:          log.New(complaints{s.options.Log}, "", 0),
		BaseContext:       func(net.Listener) context.Context { return requests },
		ConnContext:       withConn,
		ConnState:         newConnections(&s.options).watch,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			SendPingTimeout:      pingAfter,
			WriteByteTimeout:     s.options.WriteTimeout,
		},
	}
	serve := func() error { return web.Serve(connListener{listener}) }
	if s.options.Certificates != nil {
		web.TLSConfig = s.options.Certificates.config()
		serve = func() error { return web.ServeTLS(listener, "", "") }
		watching, unwatch := context.WithCancel(requests)
		var watch sync.WaitGroup
		watch.Go(func() { s.options.Certificates.watch(watching) })
		defer watch.Wait()
		defer unwatch()
	}
	refusing := make(chan struct{}) // closed when no connection is taken any more
	var acceptErr error
	go func() {
		defer close(refusing)
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			acceptErr = fmt.Errorf("taking connections: %w", err)
		}
	}()
	select {
	case <-ctx.Done():
	case <-refusing:
	}
	stopErr := s.stop(web, refusing)
	if stopErr != nil {
		abandon()
		if err := web.Close(); err != nil {
			stopErr = errors.Join(stopErr, fmt.Errorf("closing connections: %w", err))
		}
	}
	<-refusing
	return errors.Join(acceptErr, stopErr)
}

// stop returns when every request was answered, or the budget is spent.
func (s *Server) stop(web *http.Server, refusing <-chan struct{}) error {
	began := time.Now()
	s.stopping.Store(true)
	s.options.Log.Info("stopping", slog.String("budget", s.options.DrainBudget.String()))
	budget, cancel := context.WithTimeout(context.Background(), s.options.DrainBudget)
	defer cancel()

	web.SetKeepAlivesEnabled(false) // whoever asks again comes by a new connection, elsewhere
	delay := time.NewTimer(s.options.DrainDelay)
	defer delay.Stop()
	select {
	case <-delay.C:
	case <-refusing:
	}

	finished := make(chan error, 1)
	go func() { finished <- web.Shutdown(budget) }()
	<-refusing
	if s.options.Drain != nil {
		s.options.Drain(budget)
	}
	if err := <-finished; err != nil {
		return fmt.Errorf("requests were still running %s after the server was told to stop: %w",
			time.Since(began).Round(time.Millisecond), err)
	}
	s.options.Log.Info("stopped", slog.String("after", time.Since(began).String()))
	return nil
}
