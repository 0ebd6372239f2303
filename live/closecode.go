package live

import (
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// The codes with which a socket is closed. Those from 4400 on are of the
// graphql-transport-ws protocol, but for CloseSlowReader, which is Redline's.
const (
	// CloseTooBig: a message is over the limit. Sending it again won't help.
	CloseTooBig = websocket.CloseMessageTooBig // 1009
	// CloseInternal: a failure of ours that is not one operation's.
	CloseInternal = websocket.CloseInternalServerErr // 1011
	// CloseRestart: this gateway is going away. Connect again and resume from
	// the cursor that is the reason.
	CloseRestart = websocket.CloseServiceRestart // 1012
	// CloseSlowReader: the client did not keep up. Connect again and resume
	// from the cursor that is the reason.
	CloseSlowReader = 4013
	// CloseBadMessage: a message that the protocol doesn't know.
	CloseBadMessage = 4400
	// CloseUnauthorized: an operation before connection_ack.
	CloseUnauthorized = 4401
	// CloseForbidden: the token was refused or revoked, or has ended. Without another
	// token there is no use in connecting again.
	CloseForbidden = 4403
	// CloseBadSubprotocol: the client doesn't speak graphql-transport-ws.
	CloseBadSubprotocol = 4406
	// CloseInitTimeout: no connection_init in time.
	CloseInitTimeout = 4408
	// CloseIDInUse: a subscribe with the id of an operation that is running.
	CloseIDInUse = 4409
	// CloseSecondInit: more than one connection_init.
	CloseSecondInit = 4429
)

// maxCloseReason is how much text a close frame holds: a control frame's 125
// bytes without the code (RFC 6455 §5.5).
const maxCloseReason = 123

// closeFrame is the payload of a close frame. A reason that is too long is cut
// between two characters.
func closeFrame(code int, reason string) []byte {
	if len(reason) > maxCloseReason {
		reason = reason[:maxCloseReason]
		for !utf8.ValidString(reason) {
			reason = reason[:len(reason)-1]
		}
	}
	return websocket.FormatCloseMessage(code, reason)
}
