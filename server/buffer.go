package server

import (
	"bytes"
	"sync"
)

// maxKeptBuffer is the largest buffer that is kept for another request, in
// bytes: one huge request doesn't make every later one hold as much.
const maxKeptBuffer = 64 << 10

// buffer is one that requests borrow from each other, for their bodies and
// their answers.
type buffer struct{ bytes.Buffer }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func borrowBuffer() *buffer { return buffers.Get().(*buffer) }

// giveBack ends the use of the buffer and of all that it holds.
func (b *buffer) giveBack() {
	if b.Cap() <= maxKeptBuffer {
		b.Reset()
		buffers.Put(b)
	}
}
