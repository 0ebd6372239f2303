//go:build unix

package live

import (
	"errors"
	"fmt"
	"syscall"
)

// canWriteNow says that there are writes that don't wait.
const canWriteNow = true

// nowWriter writes what the network takes at once. It belongs to one goroutine,
// and has what it needs ready, so that a write makes no garbage.
type nowWriter struct {
	buf []byte
	n   int
	err error
	f   func(fd uintptr) bool
}

// write writes as much as there is room for, which may be nothing.
func (w *nowWriter) write(raw syscall.RawConn, buf []byte) (n int, err error) {
	if w.f == nil {
		w.f = w.try
	}
	w.buf, w.n, w.err = buf, 0, nil
	err = raw.Write(w.f)
	w.buf = nil
	if err == nil {
		err = w.err
	}
	if err != nil {
		return w.n, fmt.Errorf("writing to a socket: %w", err)
	}
	return w.n, nil
}

// try is given the descriptor, and is done after one try.
func (w *nowWriter) try(fd uintptr) bool {
	for {
		n, err := syscall.Write(int(fd), w.buf[w.n:])
		switch {
		case err == nil:
			w.n += n
			if n > 0 && w.n < len(w.buf) {
				continue
			}
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EAGAIN):
			w.err = err
		}
		return true
	}
}
