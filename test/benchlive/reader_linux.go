package main

import (
	"bytes"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// reader is one of the readers: what it waits for, and what has come of the next
// frame.
type reader struct {
	fd    int
	stage stage
	rest  []byte
}

// stage is what a reader waits for.
type stage byte

const (
	stageConnect stage = iota
	stageUpgrade
	stageAck
	stageEvents
)

// bindNoPort lets the kernel choose the port when it knows the server's as well:
// each source address then has all ports for it.
const bindNoPort = 24 // IP_BIND_ADDRESS_NO_PORT

// perAddress is how many readers come from one source address, of which each has
// some 28,000 ports.
const perAddress = 8000

// dialMore begins to open sockets, as many as may be under way.
func (g *generator) dialMore() error {
	for g.tally != nil && g.dialled < len(g.readers) && g.opening < maxOpening {
		i := g.dialled
		if err := g.dial(i, &g.readers[i]); err != nil {
			return fmt.Errorf("opening socket %d: %w", i, err)
		}
	}
	return nil
}

func (g *generator) dial(i int, r *reader) (err error) {
	if r.fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	g.dialled++
	g.opening++
	for len(g.byFD) <= r.fd {
		g.byFD = append(g.byFD, 0)
	}
	g.byFD[r.fd] = int32(i)
	if err := syscall.SetsockoptInt(r.fd, syscall.IPPROTO_IP, bindNoPort, 1); err != nil {
		return err
	}
	n := 1 + i/perAddress
	if err := syscall.Bind(r.fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, byte(n >> 8), byte(n)}}); err != nil {
		return err
	}
	if err := syscall.Connect(r.fd, &g.server); err != nil && !errors.Is(err, syscall.EINPROGRESS) {
		return err
	}
	return g.watch(r.fd, syscall.EPOLL_CTL_ADD, syscall.EPOLLOUT)
}

// advance does what a reader's socket is ready for.
func (g *generator) advance(i int, r *reader) error {
	if r.stage == stageConnect {
		if code, err := syscall.GetsockoptInt(r.fd, syscall.SOL_SOCKET, syscall.SO_ERROR); err != nil || code != 0 {
			return fmt.Errorf("connecting: %w", errors.Join(err, syscall.Errno(code)))
		}
		r.stage = stageUpgrade
		return errors.Join(r.write(handshake(g.job.Addr)), g.watch(r.fd, syscall.EPOLL_CTL_MOD, syscall.EPOLLIN))
	}
	kept := copy(g.buf, r.rest)
	n, err := syscall.Read(r.fd, g.buf[kept:])
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
		return nil
	case err != nil:
		return fmt.Errorf("reading: %w", err)
	case n == 0:
		return errors.New("the server ended the connection")
	}
	rest, err := g.take(i, r, g.buf[:kept+n], time.Now())
	r.rest = append(r.rest[:0], rest...)
	return err
}

// take reads all frames that are whole, and returns what is left.
func (g *generator) take(i int, r *reader, b []byte, now time.Time) (rest []byte, err error) {
	if r.stage == stageUpgrade {
		n, err := upgraded(b)
		if n == 0 || err != nil {
			return b, err
		}
		b, r.stage = b[n:], stageAck
		if err := r.write(clientFrame(opText, []byte(`{"type":"connection_init"}`))); err != nil {
			return b, err
		}
	}
	for {
		op, payload, n, err := frame(b)
		if n == 0 || err != nil {
			return b, err
		}
		b = b[n:]
		switch op {
		case opText:
			err = g.hear(i, r, payload, now)
		case opPing:
			err = r.write(clientFrame(opPong, payload))
		case opClose:
			err = fmt.Errorf("the server closed: %q", payload)
		case opPong:
		default:
			err = fmt.Errorf("%w: opcode %d", errFrame, op)
		}
		if err != nil {
			return b, err
		}
	}
}

// hear takes a message.
func (g *generator) hear(i int, r *reader, message []byte, now time.Time) error {
	if r.stage == stageEvents {
		number, caughtUp, err := event(message)
		if err == nil && caughtUp {
			return nil
		}
		if err == nil {
			say, any, err := g.tally.got(i, number, message, now)
			if err != nil || !any {
				return err
			}
			return g.say(say)
		}
	}
	switch {
	case bytes.Contains(message, []byte(`"type":"ping"`)):
		return r.write(clientFrame(opText, []byte(`{"type":"pong"}`)))
	case bytes.Contains(message, []byte(`"type":"pong"`)):
		return nil
	case r.stage == stageAck && bytes.Contains(message, []byte(`"type":"connection_ack"`)):
		r.stage = stageEvents
		g.opening--
		g.open++
		if err := r.write(clientFrame(opText, subscription(i, g.job.Groups[i%len(g.job.Groups)]))); err != nil {
			return err
		}
		if g.open == len(g.readers) {
			return g.say(told{Open: true})
		}
		return nil
	}
	return fmt.Errorf("%w: %s", errMessage, message)
}

// write sends a few bytes, for which there is room: a reader sends little.
func (r *reader) write(b []byte) error {
	for range 100 {
		n, err := syscall.Write(r.fd, b)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err == nil && n < len(b) {
			err = errors.New("there is no room")
		}
		if err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		return nil
	}
	return errors.New("writing: it is interrupted each time")
}
