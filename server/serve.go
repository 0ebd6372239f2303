package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

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
		ErrorLog:          slog.NewLogLogger(s.options.Log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return requests },
		ConnContext:       withConn,
	}
	refusing := make(chan struct{}) // closed when no connection is taken any more
	var acceptErr error
	go func() {
		defer close(refusing)
		if err := web.Serve(connListener{listener}); !errors.Is(err, http.ErrServerClosed) {
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
	s.options.Log.Info("stopping", slog.Duration("budget", s.options.DrainBudget))
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
	s.options.Log.Info("stopped", slog.Duration("after", time.Since(began)))
	return nil
}
