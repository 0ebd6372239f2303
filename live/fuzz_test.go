package live_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"redline/live"
)

// FuzzClientMessages sends a client's messages, one a line, and then its close
// frame. Whatever they are, the socket ends with a code that is documented,
// what came before is of the protocol, and by TestMain no goroutine is left.
func FuzzClientMessages(f *testing.F) {
	const opening = `{"type":"connection_init"}` + "\n"
	for _, seed := range []string{
		``, `{"type":"ping"}`, `{"type":"connection_init","payload":{"authorization":"Bearer x"}}`, opening + opening,
		opening + `{"id":"1","type":"subscribe","payload":{"query":"{ hello }"}}`,
		opening + `{"id":"1","type":"subscribe","payload":{"query":"{ hangs }"}}` + "\n" + `{"id":"1","type":"complete"}`,
		opening + `{"id":"1","type":"subscribe","payload":{"query":"query Q($n: Int!) { large(bytes: $n) }","operationName":"Q","variables":{"n":12}}}`,
		opening + `{"id":"1","type":"subscribe","payload":{"query":"subscription { events(name: \"x\") }"}}` + "\n" +
			`{"id":"2","type":"subscribe","payload":{"query":"subscription { events(after: \"AAAABwAAAAAAAAAA\", delivery: LATEST) }"}}`,
		opening + `{"id":"1","type":"subscribe","payload":{"query":"subscription { events(after: \"no cursor\") }"}}` + "\n" +
			`{"type":"ping","payload":{"authorization":"Bearer x"}}`,
		`{"type":"ping","payload":{"authorization":7}}`, `{"id":"1","type":"next","payload":{}}`, "\xff\x00", `{"type":"pong","payload":[]}`,
	} {
		f.Add([]byte(seed))
	}
	r := newRig(f, setting{socket: live.WebSocketOptions{
		MessagesPerSecond: 1 << 30, MessageBurst: 1 << 30, MaxMessageBytes: 4096, Linger: 10 * time.Millisecond,
	}})
	codes := []int{
		websocket.CloseNormalClosure, live.CloseTooBig, live.CloseSlowReader, live.CloseBadMessage, live.CloseUnauthorized,
		live.CloseForbidden, live.CloseIDInUse, live.CloseSecondInit,
	}
	kinds := []string{"connection_ack", "pong", "next", "error", "complete"}
	dialer := websocket.Dialer{Subprotocols: []string{subprotocol}}
	f.Fuzz(func(t *testing.T, input []byte) {
		conn, response, err := dialer.Dial(r.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_ = response.Body.Close()
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		// The gateway may close at any message: what can't be sent any more is
		// of no interest.
		for line := range bytes.SplitSeq(input, []byte("\n")) {
			_ = conn.WriteMessage(websocket.TextMessage, line)
		}
		_ = conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
		for {
			_, body, err := conn.ReadMessage()
			var closed *websocket.CloseError
			if errors.As(err, &closed) && slices.Contains(codes, closed.Code) {
				return
			}
			var m serverMessage
			if err != nil || json.Unmarshal(body, &m) != nil || !slices.Contains(kinds, m.Type) {
				t.Fatalf("got %q, %v", body, err)
			}
		}
	})
}
