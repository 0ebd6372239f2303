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
)

// takeProfiles takes a CPU profile of the server under each query, and while 32
// clients place orders uniformly: NAME.pprof, and its top as NAME.txt.
func (b *bench) takeProfiles(ctx context.Context) error {
	if !b.redline.canProfile {
		b.say("\nno profiles: this server has no --pprof-addr")
		return nil
	}
	if err := os.MkdirAll(b.profile, 0o755); err != nil {
		return fmt.Errorf("making the directory for profiles: %w", err)
	}
	take := func(name string, j job) error {
		if err := b.profileOf(ctx, name, j); err != nil {
			return fmt.Errorf("taking the profile of %s: %w", name, err)
		}
		return nil
	}
	for _, q := range readQueries {
		_, j, err := b.readJobs(ctx, q)
		if err != nil {
			return err
		}
		if err := take(q.name, j); err != nil {
			return err
		}
	}
	return take("place", b.placeJob(false, 32))
}

func (b *bench) profileOf(ctx context.Context, name string, j job) error {
	j.Measure = max(j.Measure, 2*time.Second)
	addr, err := freeAddr(ctx)
	if err != nil {
		return err
	}
	path := filepath.Join(b.profile, name+".pprof")
	err = b.withServer(ctx, func(t *target) error {
		fetched := make(chan error, 1)
		j.Addr = t.addr
		r, err := runLoad(ctx, j, func() {
			go func() { fetched <- fetchProfile(ctx, addr, int(j.Measure.Seconds()), path) }()
		}, func() {})
		if err != nil {
			return err
		}
		b.acknowledged += r.Placed
		b.checked += r.Checked
		return <-fetched
	}, "--pprof-addr", addr)
	if err != nil {
		return err
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
