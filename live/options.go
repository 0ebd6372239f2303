package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"redline"
)

// WebSocketOptions tune a WebSocket. The zero value of each means its default;
// the limits can't be switched off, only be set high.
type WebSocketOptions struct {
	// Authenticate says whom the payload of connection_init speaks for, and
	// later that of a ping that carries an authorization. present is whether
	// it has the member authorization. ctx holds the principal of the HTTP
	// request; where present is false, return that one to let in who sends
	// none, or an error to insist. An error refuses the socket with 4403 and is
	// only logged. It has 10 s. Default: the request's principal, and no
	// authorization is accepted.
	Authenticate func(ctx context.Context, authorization string, present bool) (redline.Principal, error)

	// InitTimeout is how long a client has for connection_init. Default 3 s.
	InitTimeout time.Duration
	// PingInterval is how often the peer is pinged. A socket from which neither
	// a pong nor a message came for two of them and a WriteTimeout is dropped.
	// Default 25 s.
	PingInterval time.Duration
	// WriteTimeout bounds every write, and everything that is still to be
	// written once a socket closes. Default 10 s.
	WriteTimeout time.Duration
	// Linger is how long after a close frame the peer's is waited for, while
	// what still comes is read and thrown away: a connection closed with bytes
	// unread is reset, and the peer may never see why. Default 2 s.
	Linger time.Duration
	// RequestTimeout ends the context of a query or a mutation. Default 30 s.
	RequestTimeout time.Duration

	// MaxOperations is how many may run on one socket; one more gets an error
	// with the code TOO_MANY_OPERATIONS. Default 100.
	MaxOperations int
	// MaxMessageBytes is how long a client's message may be; a longer one
	// closes with 1009. Default 64 KiB.
	MaxMessageBytes int
	// MessagesPerSecond is how many messages and protocol pings are read from
	// one socket in the long run, and MessageBurst how many at once. Beyond
	// that they wait in the network: the peer is slowed down, nothing is lost.
	// Default 100 and 200.
	MessagesPerSecond int
	MessageBurst      int
}

// withDefaults returns the options in full, or says what is wrong with them.
func (o WebSocketOptions) withDefaults() (WebSocketOptions, error) {
	for name, n := range map[string]int64{
		"InitTimeout": int64(o.InitTimeout), "PingInterval": int64(o.PingInterval),
		"WriteTimeout": int64(o.WriteTimeout), "Linger": int64(o.Linger), "RequestTimeout": int64(o.RequestTimeout),
		"MaxOperations": int64(o.MaxOperations), "MaxMessageBytes": int64(o.MaxMessageBytes),
		"MessagesPerSecond": int64(o.MessagesPerSecond), "MessageBurst": int64(o.MessageBurst),
	} {
		if n < 0 {
			return o, fmt.Errorf("websocket: %s must not be negative", name)
		}
	}
	if o.Authenticate == nil {
		o.Authenticate = refuseTokens
	}
	o.InitTimeout = orDefault(o.InitTimeout, 3*time.Second)
	o.PingInterval = orDefault(o.PingInterval, 25*time.Second)
	o.WriteTimeout = orDefault(o.WriteTimeout, 10*time.Second)
	o.Linger = orDefault(o.Linger, 2*time.Second)
	o.RequestTimeout = orDefault(o.RequestTimeout, 30*time.Second)
	o.MaxOperations = orDefault(o.MaxOperations, 100)
	o.MaxMessageBytes = orDefault(o.MaxMessageBytes, 64<<10)
	o.MessagesPerSecond = orDefault(o.MessagesPerSecond, 100)
	o.MessageBurst = orDefault(o.MessageBurst, 200)
	return o, nil
}

func refuseTokens(ctx context.Context, _ string, present bool) (redline.Principal, error) {
	if present {
		return redline.Principal{}, errors.New("this gateway takes no tokens on sockets")
	}
	return redline.PrincipalFrom(ctx), nil
}
