package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// pprofFlags say where the process can be profiled.
type pprofFlags struct {
	PprofAddr string `placeholder:"HOST:PORT" help:"Where to serve profiles under /debug/pprof/, to this machine alone: 127.0.0.1:6060, say. Off unless set."`
}

// checkPprof refuses an address that others than this machine can reach: profiles
// tell what the program is doing, and taking one slows it down. Whoever is
// elsewhere comes by a tunnel.
func (f *pprofFlags) checkPprof() error {
	if f.PprofAddr == "" {
		return nil
	}
	if err := checkAddress("--pprof-addr", f.PprofAddr); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(f.PprofAddr) // as it was just seen to be
	if !loopback(host) {
		return fmt.Errorf("--pprof-addr is %s: profiles are served on a loopback address alone, such as 127.0.0.1", f.PprofAddr)
	}
	return nil
}

// servePprof serves profiles until stop is called, which cuts off those that are
// being taken. Without an address it does nothing.
//
// The command line isn't among them, since it may hold the database's password.
func (f *pprofFlags) servePprof(ctx context.Context, log *slog.Logger) (stop func() error, err error) {
	if f.PprofAddr == "" {
		return func() error { return nil }, nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	// How long writing takes is up to who asks: a profile of a minute takes one.
	web := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	return serveBeside(ctx, log, "profiling", f.PprofAddr, web)
}
