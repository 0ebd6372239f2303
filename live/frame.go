package live

import (
	"encoding/binary"

	"github.com/gorilla/websocket"
)

// appendMessage appends a message of ours as the frames of graphql-transport-ws.
// Frames of servers aren't masked, and ours are never in parts (RFC 6455 §5).
func appendMessage(b []byte, m message) []byte {
	payload := m.answer.payload
	switch m.kind {
	case kindText:
		b = appendHeader(b, websocket.TextMessage, len(payload))
		return append(b, payload...)
	case kindPing:
		return append(appendHeader(b, websocket.PingMessage, len(payload)), payload...)
	case kindPong:
		return append(appendHeader(b, websocket.PongMessage, len(payload)), payload...)
	case kindComplete:
		b = appendHeader(b, websocket.TextMessage, len(`{"id":,"type":"complete"}`)+len(m.op.id))
		b = append(append(b, `{"id":`...), m.op.id...)
		return append(b, `,"type":"complete"}`...)
	}
	kind := typeNext
	if m.kind == kindError {
		kind = typeError
	}
	b = appendHeader(b, websocket.TextMessage, len(`{"id":,"type":"","payload":}`)+len(m.op.id)+len(kind)+len(payload))
	b = append(append(b, `{"id":`...), m.op.id...)
	b = append(append(b, `,"type":"`...), kind...)
	b = append(append(b, `","payload":`...), payload...)
	return append(b, '}')
}

// appendHeader appends the header of a frame that is a whole message.
func appendHeader(b []byte, opcode, length int) []byte {
	const final = 1 << 7
	b = append(b, final|byte(opcode))
	switch {
	case length < 126:
		return append(b, byte(length))
	case length < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, 126), uint16(length))
	default:
		return binary.BigEndian.AppendUint64(append(b, 127), uint64(length))
	}
}
