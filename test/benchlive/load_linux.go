package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"syscall"
)

// generator is a load generator: all readers, in one thread. It waits for all of
// their sockets at once, reads what is there into one buffer and looks at it
// there, so that a message costs it little more than the system call.
type generator struct {
	job     job
	server  syscall.SockaddrInet4
	epoll   int
	readers []reader
	byFD    []int32 // readers, by their sockets
	buf     []byte
	tally   *tally
	tell    *json.Encoder
	orders  []byte // what has come of the next command

	dialled, opening, open int // readers that were begun, are under way, and have subscribed
}

// maxOpening is how many sockets are opened at a time: fewer than wait to be
// accepted, or some would have to try again after a second.
const maxOpening = 100

// load reads a job from its input, and then commands, and tells what happens. It
// ends when its input does.
func load(in *os.File, out io.Writer) error {
	g := &generator{buf: make([]byte, 256<<10), tell: json.NewEncoder(out)}
	err := g.run(in)
	g.close()
	if err != nil {
		return errors.Join(err, g.tell.Encode(told{Fault: err.Error()}))
	}
	return nil
}

func (g *generator) run(in *os.File) (err error) {
	if g.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("making an epoll: %w", err)
	}
	input := int(in.Fd())
	if err := g.watch(input, syscall.EPOLL_CTL_ADD, syscall.EPOLLIN); err != nil {
		return err
	}
	events := make([]syscall.EpollEvent, 512)
	for {
		n, err := syscall.EpollWait(g.epoll, events, -1)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("waiting for sockets: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			if int(e.Fd) == input {
				ended, err := g.listen(input)
				if ended || err != nil {
					return err
				}
				continue
			}
			i := int(g.byFD[e.Fd])
			if err := g.advance(i, &g.readers[i]); err != nil {
				return fmt.Errorf("reader %d: %w", i, err)
			}
		}
		if err := g.dialMore(); err != nil {
			return err
		}
	}
}

// watch has the epoll look at a file.
func (g *generator) watch(fd, op int, events uint32) error {
	if err := syscall.EpollCtl(g.epoll, op, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd)}); err != nil {
		return fmt.Errorf("watching a socket: %w", err)
	}
	return nil
}

// listen reads what the orchestrator asks.
func (g *generator) listen(input int) (ended bool, err error) {
	n, err := syscall.Read(input, g.buf)
	if err != nil && !errors.Is(err, syscall.EINTR) {
		return false, fmt.Errorf("reading a command: %w", err)
	}
	if err == nil && n == 0 {
		return true, nil
	}
	g.orders = append(g.orders, g.buf[:max(n, 0)]...)
	for {
		line, rest, found := bytes.Cut(g.orders, []byte("\n"))
		if !found {
			return false, nil
		}
		if err := g.obey(line); err != nil {
			return false, err
		}
		g.orders = append([]byte(nil), rest...)
	}
}

// obey does what a line asks: the first is the job.
func (g *generator) obey(line []byte) error {
	if g.tally == nil {
		if err := json.Unmarshal(line, &g.job); err != nil {
			return fmt.Errorf("reading the job: %w", err)
		}
		addr, err := netip.ParseAddrPort(g.job.Addr)
		if err != nil || !addr.Addr().Is4() || len(g.job.Groups) == 0 {
			return fmt.Errorf("reading the job: %q is no address, or there are no groups: %w", g.job.Addr, err)
		}
		g.server = syscall.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}
		g.readers, g.tally = make([]reader, g.job.Readers), newTally(g.job)
		return nil
	}
	var c command
	if err := json.Unmarshal(line, &c); err != nil {
		return fmt.Errorf("reading a command: %w", err)
	}
	if err := g.tally.begin(c); err != nil {
		return err
	}
	answer := told{Heard: c.Serial, Behind: g.tally.behind}
	if answer.Behind == 0 {
		answer.Begun, answer.Sample = c.Serial, g.tally.sample
	}
	return g.say(answer)
}

func (g *generator) say(t told) error {
	if err := g.tell.Encode(t); err != nil {
		return fmt.Errorf("telling what happened: %w", err)
	}
	return nil
}

// close drops all connections. They are reset, and so leave no ports behind that
// can't be used again for a minute.
func (g *generator) close() {
	for i := range g.readers[:g.dialled] {
		if fd := g.readers[i].fd; fd > 0 {
			_ = syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
			_ = syscall.Close(fd)
		}
	}
	if g.epoll > 0 {
		_ = syscall.Close(g.epoll)
	}
}

// maxFiles is how many files a process may have open.
func maxFiles() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("asking how many files a process may have open: %w", err)
	}
	return int(min(limit.Max, 2*most)), nil
}
