package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"redline/test/internal/measure"
)

// takeProfiles takes a CPU profile of the server and of the limit under each
// query, and of the server while 32 clients place orders uniformly: NAME.pprof,
// and its top as NAME.txt; the limit's names begin with limit-.
func (b *bench) takeProfiles(ctx context.Context) error {
	if !b.redline.CanProfile {
		b.say("\nno profiles: this server has no --pprof-addr")
		return nil
	}
	if err := os.MkdirAll(b.profile, 0o755); err != nil {
		return fmt.Errorf("making the directory for profiles: %w", err)
	}
	for _, q := range readQueries {
		server, limits, err := b.readJobs(ctx, q)
		if err != nil {
			return err
		}
		if err := b.profileServer(ctx, q.name, server); err != nil {
			return err
		}
		if err := b.profileLimit(ctx, "limit-"+q.name, limits[systemLimit]); err != nil {
			return err
		}
	}
	return b.profileServer(ctx, "place", b.placeJob(false, 32))
}

func (b *bench) profileServer(ctx context.Context, name string, j job) error {
	addr, err := measure.FreeAddr(ctx)
	if err != nil {
		return err
	}
	return b.withServer(ctx, func(t *measure.Target) error { return b.profileOf(ctx, t, addr, name, j) }, "--pprof-addr", addr)
}

func (b *bench) profileLimit(ctx context.Context, name string, j job) error {
	t, err := startLimit(ctx, b.db.URL())
	if err != nil {
		return err
	}
	defer t.Stop()
	return b.profileOf(ctx, t, t.Addr, name, j)
}

// profileOf takes a profile of what is asked, from the address that gives it.
func (b *bench) profileOf(ctx context.Context, t *measure.Target, addr, name string, j job) error {
	j.Addr, j.Measure = t.Addr, max(j.Measure, 2*time.Second)
	path := filepath.Join(b.profile, name+".pprof")
	fetched := make(chan error, 1)
	r, err := runLoad(ctx, j, func() {
		go func() { fetched <- fetchProfile(ctx, addr, int(j.Measure.Seconds()), path) }()
	}, func() {})
	if err != nil {
		return fmt.Errorf("taking the profile of %s: %w", name, err)
	}
	b.acknowledged += r.Placed
	b.checked += r.Checked
	if err := <-fetched; err != nil {
		return fmt.Errorf("taking the profile of %s: %w", name, err)
	}
	top, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-nodecount", "30", path).Output()
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	b.say("\n%s:\n%s", path, top)
	if err := os.WriteFile(filepath.Join(b.profile, name+".txt"), top, 0o644); err != nil {
		return fmt.Errorf("writing the profile's top: %w", err)
	}
	return nil
}

// fetchProfile asks the server for a profile of some seconds.
func fetchProfile(ctx context.Context, addr string, seconds int, path string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second+patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", addr, seconds), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, resp.Body)
	return errors.Join(err, f.Close())
}
