//go:build linux || darwin

package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// fastPatience is how long Stop lets Postgres end its sessions and write
	// its data when its context has no deadline.
	fastPatience = 30 * time.Second
	// quitPatience is how long an immediate shutdown may take. Postgres kills
	// what does not obey it after five seconds.
	quitPatience = 7 * time.Second
	// startAttempts is how often a start is tried that failed because of
	// something that passes: a port taken meanwhile, a process of an earlier
	// server that is just ending.
	startAttempts = 20
	// betweenAttempts is the pause after each.
	betweenAttempts = 250 * time.Millisecond
)

// Server is a running private Postgres. Its methods may be called by many
// goroutines at once.
type Server struct {
	process  *process
	at       endpoint
	log      *slog.Logger
	output   *serverLog
	stopping atomic.Bool
	done     chan struct{} // closed once all is cleared up after the process
}

// Start runs Postgres on the data directory and returns once it takes
// connections. The context bounds the start alone: after a crash of the
// machine recovery may take minutes. The server is the caller's to Stop.
//
// Errors: ErrInUse, wrapped, while another program runs on the directory;
// whatever Postgres said last, if it does not start; what to install or to
// permit, if that is what is missing.
func Start(ctx context.Context, o Options) (*Server, error) {
	s, err := start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("starting a private Postgres: %w", err)
	}
	return s, nil
}

func start(ctx context.Context, o Options) (_ *Server, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	begun := time.Now()
	l, err := newLayout(o.DataDir)
	if err != nil {
		return nil, err
	}
	if err := l.create(); err != nil {
		return nil, err
	}
	held, err := lockSoon(ctx, l.lock())
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, held.Close())
		}
	}()
	client, err := clientName()
	if err != nil {
		return nil, err
	}
	as, err := chooseAccount(l.cluster())
	if err != nil {
		return nil, err
	}
	bin, err := openCluster(ctx, l, o, as)
	if err != nil {
		return nil, err
	}
	if err := writeAccess(l, client); err != nil {
		return nil, err
	}
	s, err := launch(ctx, l, o, bin, as)
	if err != nil {
		return nil, err
	}
	go s.watch(held)
	o.Log.Info("private Postgres is running", "version", bin.major, "cluster", l.cluster(),
		"user", as.name, "pid", s.process.cmd.Process.Pid, "took", time.Since(begun).Round(time.Millisecond))
	return s, nil
}

// openCluster finds the programs for the cluster and makes it ready for them,
// which includes making it.
func openCluster(ctx context.Context, l layout, o Options, as account) (binaries, error) {
	major, err := l.clusterMajor()
	if err != nil {
		return binaries{}, err
	}
	bin, err := findPrograms(ctx, l, o, as, major)
	if err != nil {
		return binaries{}, err
	}
	if err := as.checkCanEnter(ctx, bin, l.root()); err != nil {
		return binaries{}, err
	}
	if major == 0 {
		o.Log.Info("making the cluster of the private Postgres", "cluster", l.cluster(), "user", as.name)
		return bin, initCluster(ctx, l, bin, as, o.Fast)
	}
	if err := as.giveTree(l.cluster()); err != nil {
		return binaries{}, fmt.Errorf("giving the cluster to %s: %w", as.name, err)
	}
	return bin, stopOrphan(ctx, l.cluster(), o.Log)
}

func findPrograms(ctx context.Context, l layout, o Options, as account, major int) (binaries, error) {
	if o.BinDir != "" {
		dir, err := filepath.Abs(o.BinDir)
		if err != nil {
			return binaries{}, fmt.Errorf("finding the programs of Postgres: %w", err)
		}
		bin, err := search{folders: []string{globQuote(dir)}, major: major, as: as}.find(ctx)
		if err != nil {
			return binaries{}, fmt.Errorf("looking for its programs in %s: %w", dir, err)
		}
		return bin, nil
	}
	if o.CacheDir == "" {
		o.CacheDir = l.cache()
	}
	return search{path: os.Getenv("PATH"), folders: usualFolders, major: major, as: as}.
		obtain(ctx, fetcher{cache: o.CacheDir, releases: pinned, client: downloadClient(), log: o.Log})
}

// launch runs the server process, again where the reason that it ended is
// likely to pass.
func launch(ctx context.Context, l layout, o Options, bin binaries, as account) (*Server, error) {
	for attempt := 1; ; attempt++ {
		at, err := chooseEndpoint(ctx, l, as, o.TCP)
		if err != nil {
			return nil, err
		}
		s := &Server{at: at, log: o.Log, output: newServerLog(o.Log), done: make(chan struct{})}
		if err = s.launchOnce(ctx, l, o, bin, as); err == nil {
			return s, nil
		}
		err = errors.Join(err, at.clean())
		if attempt == startAttempts || !passes(s.output.tail()) {
			return nil, err
		}
		if !pause(ctx, betweenAttempts) {
			return nil, errors.Join(ctx.Err(), err)
		}
	}
}

// launchOnce runs the server process and waits until it takes connections. If
// it returns an error there is no process any more.
func (s *Server) launchOnce(ctx context.Context, l layout, o Options, bin binaries, as account) error {
	if err := s.at.prepare(ctx, l.cluster(), bin, as, o.Fast); err != nil {
		return err
	}
	args, err := serverArgs(l, o, s.at)
	if err != nil {
		return err
	}
	cmd := exec.Command(bin.postgres(), args...) //nolint:noctx // it outlives the context of the start; Stop ends it
	cmd.Dir = "/"
	cmd.Env = environ()
	cmd.Stderr = s.output
	cmd.SysProcAttr = sysProcAttr(as, syscall.SIGINT)
	cmd.WaitDelay = 2 * time.Second
	if s.process, err = spawn(cmd); err != nil {
		return fmt.Errorf("running %s: %w", bin.postgres(), err)
	}
	if err := s.awaitReady(ctx, l.cluster()); err != nil {
		return errors.Join(err, s.quit(quitPatience))
	}
	return nil
}

// passes reports whether what Postgres said before it ended is a reason that
// will go away.
func passes(said string) bool {
	return strings.Contains(said, "Address already in use") ||
		strings.Contains(said, "pre-existing shared memory block")
}

// awaitReady waits until Postgres says in its pid file that it takes
// connections.
func (s *Server) awaitReady(ctx context.Context, cluster string) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.process.done:
			return fmt.Errorf("postgres ended (%w)%s", exitOf(s.process.err), quoteLines(s.output.tail()))
		case <-ctx.Done():
			return fmt.Errorf("waiting for postgres: %w%s", ctx.Err(), quoteLines(s.output.tail()))
		case <-tick.C:
		}
		f, err := readPidFile(cluster)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("waiting for postgres: %w", err)
		}
		if f.pid == s.process.cmd.Process.Pid && f.status == "ready" {
			return nil
		}
	}
}

// watch clears up after the server process, however it ends, and only then
// lets another program have the data directory.
func (s *Server) watch(held *os.File) {
	<-s.process.done
	if !s.stopping.Load() {
		s.log.Error("the private Postgres ended by itself", "error", exitOf(s.process.err), "output", s.output.tail())
	}
	if err := errors.Join(s.at.clean(), held.Close()); err != nil {
		s.log.Warn("clearing up after the private Postgres", "error", err)
	}
	close(s.done)
}

// exitOf makes an error of how a process ended that nobody asked to end.
func exitOf(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// URL returns the URL of the program's database, for lib/pq and other
// clients. Its role owns the database and is no superuser. Where Postgres
// listens on 127.0.0.1 the URL contains the password.
func (s *Server) URL() string { return s.at.url(role, database) }

// SuperuserURL returns the URL of the maintenance database "postgres", for
// the superuser: for making other databases, as tests do.
func (s *Server) SuperuserURL() string { return s.at.url(superuser, superuser) }

// Done is closed once Postgres has ended, be it by Stop or by itself, and the
// data directory is free.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err returns nil until Done is closed and after a Stop, else why Postgres
// ended by itself, with the last of its log.
func (s *Server) Err() error {
	select {
	case <-s.done:
	default:
		return nil
	}
	if s.stopping.Load() {
		return nil
	}
	return fmt.Errorf("the private Postgres ended by itself (%w)%s", exitOf(s.process.err), quoteLines(s.output.tail()))
}

// Stop ends Postgres and waits for it: first by a fast shutdown, which breaks
// off the sessions and leaves the data clean, and when the context's deadline
// comes near, or it is cancelled, by an immediate one, after which the next
// Start takes longer; nothing committed is lost either way. Without a deadline
// the fast shutdown gets 30 seconds. A Stop after the end does nothing. The
// error says that Postgres is still there.
func (s *Server) Stop(ctx context.Context) error {
	select {
	case <-s.done:
		return nil
	default:
	}
	s.stopping.Store(true)
	if err := s.process.signal(syscall.SIGINT); err != nil {
		return err
	}
	patience, reserve := fastPatience, quitPatience
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		reserve = min(left/2, quitPatience)
		patience = left - reserve
	}
	timer := time.NewTimer(max(patience, 0))
	defer timer.Stop()
	select {
	case <-s.done:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	s.log.Warn("the private Postgres takes long to stop: ending it at once")
	if err := s.quit(max(reserve, time.Second)); err != nil {
		return fmt.Errorf("stopping the private Postgres: %w", err)
	}
	<-s.done
	return nil
}

// quit shuts down immediately and waits for d; what is still there then is
// killed, which Postgres recovers from as from any crash. It does nothing
// after the process' end.
func (s *Server) quit(d time.Duration) error {
	s.stopping.Store(true)
	for _, last := range []struct {
		signal   os.Signal
		patience time.Duration
	}{{syscall.SIGQUIT, d}, {os.Kill, time.Second}} {
		if err := s.process.signal(last.signal); err != nil {
			return err
		}
		if s.process.waitFor(last.patience) {
			return nil
		}
	}
	return fmt.Errorf("postgres (process %d) does not stop", s.process.cmd.Process.Pid)
}

// pause waits for d, and reports whether the context lasted as long.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
