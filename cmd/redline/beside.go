package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
)

// serveBeside serves something at an address of its own, beside the gateway, until
// stop is called, which cuts off who is being served. The log names the address.
func serveBeside(ctx context.Context, log *slog.Logger, what, addr string, web *http.Server) (stop func() error, err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening for %s on %s: %w", what, addr, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("serving "+what, "error", err)
		}
	}()
	log.Info(what, "addr", listener.Addr().String())
	return func() error {
		err := web.Close()
		<-ended
		if err != nil {
			return fmt.Errorf("ending %s: %w", what, err)
		}
		return nil
	}, nil
}
