package main

import (
	"bufio"
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

// audience are readers, in a process of their own.
type audience struct {
	*measure.Process
	in       io.WriteCloser
	commands *json.Encoder
	told     chan told // closed when it has nothing more to tell
	serial   int
	sample   string // a message that one of them got
}

// toldRoom is how many lines may wait to be looked at: more than there are
// publications under way.
const toldRoom = 1024

// startAudience has all of a job's readers open their sockets.
func startAudience(ctx context.Context, j job) (_ *audience, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, roleLoad)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the readers: %w", err)
	}
	out, theirs, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting the readers: %w", err)
	}
	cmd.Stdout = theirs
	p, err := measure.Spawn(cmd)
	if err = errors.Join(err, theirs.Close()); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	a := &audience{Process: p, in: in, commands: json.NewEncoder(in), told: make(chan told, toldRoom)}
	// It ends with the process, whose end of the pipe closes.
	go func() {
		defer close(a.told)
		defer func() { _ = out.Close() }()
		for d := json.NewDecoder(bufio.NewReader(out)); ; {
			var t told
			if d.Decode(&t) != nil {
				return
			}
			a.told <- t
		}
	}()
	if err := a.commands.Encode(j); err != nil {
		return nil, fmt.Errorf("telling the readers what to read: %w", errors.Join(err, a.leave()))
	}
	if _, err := a.hear(ctx, openTimeout, func(t told) bool { return t.Open }); err != nil {
		return nil, fmt.Errorf("opening %d sockets: %w", j.Readers, errors.Join(err, a.leave()))
	}
	return a, nil
}

const (
	// openTimeout is how long all sockets may take to open.
	openTimeout = time.Minute
	// probePause is how often it is looked at whether more readers have got an
	// event, and probes how often at most.
	probePause = time.Second
	probes     = 60
)

// errSilent: nothing was told in time.
var errSilent = errors.New("the readers got nothing in time")

// hear waits for something that is told.
func (a *audience) hear(ctx context.Context, timeout time.Duration, wanted func(told) bool) (told, error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		select {
		case t, ok := <-a.told:
			switch {
			case !ok:
				<-a.Done
				return told{}, fmt.Errorf("the readers are gone: %w", errors.Join(ctx.Err(), a.Err))
			case t.Fault != "":
				return told{}, errors.New(t.Fault)
			case wanted(t):
				return t, nil
			}
		case <-timer.C:
			return told{}, errSilent
		case <-ctx.Done():
			return told{}, ctx.Err()
		}
	}
}

// command asks the readers to measure from the next events on, and waits until
// all have got those before. It returns how many had not when it was asked, and
// whether all had in the end.
func (a *audience) command(ctx context.Context, c command, timeout time.Duration) (behind int, all bool, err error) {
	a.serial++
	c.Serial = a.serial
	if err := a.commands.Encode(c); err != nil {
		return 0, false, fmt.Errorf("telling the readers to begin: %w", err)
	}
	t, err := a.hear(ctx, openTimeout, func(t told) bool { return t.Heard == c.Serial })
	behind = t.Behind
	if err == nil && t.Begun != c.Serial {
		t, err = a.hear(ctx, timeout, func(t told) bool { return t.Begun == c.Serial })
		if errors.Is(err, errSilent) {
			return behind, false, nil
		}
	}
	if t.Sample != "" {
		a.sample = t.Sample
	}
	return behind, err == nil, err
}

// leave closes all sockets, and ends the process. It returns what some reader
// got since that it must not have got.
func (a *audience) leave() (err error) {
	_ = a.in.Close()
	timer := time.AfterFunc(measure.StopTimeout, a.Stop)
	defer timer.Stop()
	for t := range a.told { // until the process has ended
		if t.Fault != "" {
			err = errors.New(t.Fault)
		}
	}
	<-a.Done
	return err
}
