package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"redline/test/internal/measure"
)

// startLimit runs the limit on the database.
func startLimit(ctx context.Context, url string) (*measure.Target, error) {
	return measure.StartRole(ctx, roleLimit, "--database-url", url)
}

// runLoad runs a load generator on a job. measuring is called when it begins
// to measure, and measured when it has.
func runLoad(ctx context.Context, j job, measuring, measured func()) (report, error) {
	var last report
	err := tellLoad(ctx, j, j.Warmup+j.Measure, func(r report) {
		if r.Measuring {
			measuring()
		} else {
			last = r
			measured()
		}
	})
	return last, err
}

// tellLoad runs a load generator on a job that takes so long, and hands on what
// it tells.
func tellLoad(ctx context.Context, j job, takes time.Duration, told func(report)) error {
	ctx, cancel := context.WithTimeout(ctx, takes+3*patience)
	defer cancel()
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, roleLoad)
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(text), &said
	out, in, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("starting a load generator: %w", err)
	}
	defer func() { _ = out.Close() }()
	cmd.Stdout = in
	p, err := measure.Spawn(cmd)
	err = errors.Join(err, in.Close())
	if err != nil {
		return err
	}
	defer p.Stop()
	for d := json.NewDecoder(out); err == nil; {
		var r report
		if err = d.Decode(&r); err == nil {
			told(r)
		}
	}
	if errors.Is(err, io.EOF) { // all was told
		err = nil
	}
	_, rest := io.Copy(io.Discard, out)
	<-p.Done
	if err = errors.Join(p.Err, err, rest); err != nil {
		return fmt.Errorf("the load generator: %w: %s", err, said.String())
	}
	return nil
}
