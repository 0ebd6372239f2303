package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

// The opcodes of frames that matter here.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// handshake is what a client sends to open a websocket. The key is the same for
// all: it proves nothing but that a websocket server has read it.
func handshake(addr string) []byte {
	return []byte("GET /graphql HTTP/1.1\r\nHost: " + addr + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n")
}

// upgraded looks at an answer to it: how long it is, or 0 where it isn't whole.
func upgraded(b []byte) (int, error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	switch {
	case end < 0 && len(b) > 8<<10:
		return 0, errors.New("the answer to the handshake has no end")
	case end < 0:
		return 0, nil
	case !bytes.HasPrefix(b, []byte("HTTP/1.1 101 ")):
		return 0, fmt.Errorf("the handshake was answered with %.100q", b)
	}
	return end + 4, nil
}

// clientFrame is a client's frame. It is masked as it has to be, with zeros, which
// leave the payload as it is.
func clientFrame(op byte, payload []byte) []byte {
	b := []byte{0x80 | op}
	if len(payload) < 126 {
		b = append(b, 0x80|byte(len(payload)))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(len(payload)))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// errFrame is a frame that servers don't send here: in parts, masked, or beyond
// all measure.
var errFrame = errors.New("an odd frame")

// frame reads a server's frame from the beginning of b. n is its whole length, or
// 0 where it isn't all there.
func frame(b []byte) (op byte, payload []byte, n int, err error) {
	if len(b) < 2 {
		return 0, nil, 0, nil
	}
	if b[0]&0xf0 != 0x80 || b[1]&0x80 != 0 {
		return 0, nil, 0, fmt.Errorf("%w: it begins with %x", errFrame, b[:2])
	}
	head, size := 2, int(b[1])
	switch {
	case size == 126:
		if head = 4; len(b) < head {
			return 0, nil, 0, nil
		}
		size = int(binary.BigEndian.Uint16(b[2:]))
	case size == 127:
		return 0, nil, 0, fmt.Errorf("%w: it is 64 KB or longer", errFrame)
	}
	if len(b) < head+size {
		return 0, nil, 0, nil
	}
	return b[0] & 0xf, b[head : head+size], head + size, nil
}

// What is looked for in a message. It isn't read as JSON, which would take longer
// than all the rest: the orchestrator has seen that a server's messages look so.
var (
	markKind      = []byte(`"kind":"`)
	markAvailable = []byte(`"available":`)
	markAt        = []byte(`"at":"`)
	kindChange    = []byte(`CHANGE"`)
	kindCaughtUp  = []byte(`CAUGHT_UP"`)
)

// errMessage is a message that isn't an event's.
var errMessage = errors.New("a message that is no event's")

// event reads a message. What is available is the event's number: each change
// adds one. caughtUp is a message that tells of no event.
func event(message []byte) (number int64, caughtUp bool, err error) {
	_, kind, found := bytes.Cut(message, markKind)
	if !found {
		return 0, false, errMessage
	}
	if bytes.HasPrefix(kind, kindCaughtUp) {
		return 0, true, nil
	}
	digits, ok := after(message, markAvailable)
	if !ok || !bytes.HasPrefix(kind, kindChange) {
		return 0, false, errMessage
	}
	i := 0
	for ; i < len(digits) && digits[i] >= '0' && digits[i] <= '9' && i < 18; i++ {
		number = 10*number + int64(digits[i]-'0')
	}
	if i == 0 {
		return 0, false, errMessage
	}
	return number, false, nil
}

// moment is the text of an event's own time.
func moment(message []byte) string {
	at, _ := after(message, markAt)
	text, _, _ := bytes.Cut(at, []byte(`"`))
	return string(text)
}

func after(b, mark []byte) ([]byte, bool) {
	_, rest, ok := bytes.Cut(b, mark)
	return rest, ok
}

// subscription is the subscribe message of a reader, with an id that no other
// has, as long as a UUID.
func subscription(reader int, sku string) []byte {
	b := fmt.Appendf(nil, `{"id":"%08x-0000-4000-8000-000000000000","type":"subscribe","payload":{"query":`, reader)
	b = strconv.AppendQuote(b, watch)
	b = append(b, `,"variables":{"skus":[`...)
	return append(strconv.AppendQuote(b, sku), `]}}}`...)
}
