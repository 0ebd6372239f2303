package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// server is one of the servers that stand beside Redline.
type server interface {
	http.Handler // of websockets
	// publish tells the readers of each product of its next event.
	publish(publishing)
	// close ends all sockets, and waits for what serves them.
	close()
}

// publishing asks for a publication.
type publishing struct {
	SKUs []string
	// Like is a message as Redline sends it, which the bare server sends.
	Like string
	// Writers is how many of the bare server's goroutines write.
	Writers int
}

// serve runs a server until its input or ctx ends. It prints the address.
func serve(ctx context.Context, s server, in io.Reader, out io.Writer) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/graphql", s)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("POST /publish", func(w http.ResponseWriter, r *http.Request) {
		var p publishing
		if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.publish(p)
	})
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, in) // ends with the orchestrator
		cancel()
	}()
	stop := context.AfterFunc(ctx, func() { _ = web.Close() })
	defer stop()
	defer s.close()
	fmt.Fprintln(out, listener.Addr())
	if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}
