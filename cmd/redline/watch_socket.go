package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"redline"
)

const (
	// maxSilence is two of the gateway's pings, which come every 25 s, and some
	// time for the second to arrive.
	maxSilence = time.Minute
	// busyPause is how long a gateway is left alone that has too many at once and
	// doesn't say for how long.
	busyPause = 2 * time.Second
	writeTime = 10 * time.Second
)

// message is one of graphql-transport-ws, whichever way it goes.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// connect opens one connection and prints what comes until it ends: with a
// lostError where another may fare better.
func (w *watching) connect(ctx context.Context) error {
	config, err := w.tls()
	if err != nil {
		return err
	}
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: writeTime, TLSClientConfig: config}
	url := "ws" + strings.TrimPrefix(strings.TrimSuffix(w.URL, "/"), "http") + "/graphql"
	conn, resp, err := dialer.DialContext(ctx, url, nil) //nolint:bodyclose // gorilla's needs no closing
	if err != nil {
		if resp != nil {
			return unopened(resp)
		}
		return &lostError{cause: fmt.Errorf("opening the websocket: %w", err)}
	}
	leave := func() {
		// The gateway sees that we left, rather than that we are gone.
		_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
		_ = conn.Close()
	}
	stop := context.AfterFunc(ctx, leave)
	defer func() {
		if stop() {
			leave()
		}
	}()
	alive := func() error { return conn.SetReadDeadline(time.Now().Add(w.silence)) }
	conn.SetPingHandler(func(data string) error {
		_ = conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTime)) // reading tells of a broken connection
		return alive()
	})
	return w.converse(&session{conn: conn, alive: alive})
}

// unopened is the error for a gateway that answered otherwise than with a
// websocket.
func unopened(resp *http.Response) error {
	err := fmt.Errorf("opening the websocket: %s", resp.Status)
	switch resp.StatusCode {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return &lostError{cause: err, wait: retryAfter(resp.Header), invited: true}
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return &lostError{cause: err, wait: retryAfter(resp.Header)}
	}
	return err
}

// retryAfter is how long a response asks to wait, in seconds or until a date.
func retryAfter(h http.Header) time.Duration {
	asked := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(asked); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(asked); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// session is one connection, and the operation on it.
type session struct {
	conn  *websocket.Conn
	alive func() error
	// operation numbers those of the connection: one that was refused is followed
	// by another.
	operation int
}

// converse says who we are, subscribes, and prints what is told.
func (w *watching) converse(s *session) error {
	hello := map[string]string{}
	if w.Token != "" {
		hello["authorization"] = "Bearer " + w.Token
	}
	if err := s.send(message{Type: "connection_init"}, hello); err != nil {
		return err
	}
	for {
		var m message
		if err := s.alive(); err != nil {
			return &lostError{cause: fmt.Errorf("reading from the websocket: %w", err)}
		}
		if err := s.conn.ReadJSON(&m); err != nil {
			return w.closed(err)
		}
		if err := w.hear(s, m); err != nil {
			return err
		}
	}
}

// hear acts on one message.
func (w *watching) hear(s *session, m message) error {
	switch m.Type {
	case "connection_ack":
		w.begun = true
		return w.subscribe(s)
	case "ping":
		return s.send(message{Type: "pong", Payload: m.Payload}, nil)
	}
	if m.ID != strconv.Itoa(s.operation) {
		return nil
	}
	switch m.Type {
	case "next":
		return w.told(m.Payload)
	case "error":
		code, text, wait := refusal(m.Payload)
		switch {
		case code == string(redline.CodeCursorExpired) && w.cursor != "":
			w.noteExpired(text)
			return w.subscribe(s)
		case code == string(redline.CodeUnavailable), code == string(redline.CodeRateLimited):
			return &lostError{cause: fmt.Errorf("the gateway refused: %s: %s", code, text), wait: wait, invited: true}
		}
		return fmt.Errorf("the gateway refused: %s: %s", code, text)
	case "complete":
		return errors.New("the gateway ended the subscription")
	}
	return nil
}

// subscribe begins the operation where the last one ended.
func (w *watching) subscribe(s *session) error {
	s.operation++
	w.resumed, w.loading = w.cursor != "", w.Snapshot && (w.cursor == "" || inSnapshot(w.cursor))
	w.missed, w.loaded = 0, 0
	// With a cursor the snapshot isn't told once more, unless it was incomplete.
	variables := map[string]any{"snapshot": w.Snapshot, "delivery": "EVERY"}
	if w.Latest {
		variables["delivery"] = "LATEST"
	}
	if w.cursor != "" {
		variables["after"] = w.cursor
	}
	if len(w.SKU) > 0 {
		variables["skus"] = w.SKU
	}
	return s.send(message{ID: strconv.Itoa(s.operation), Type: "subscribe"}, map[string]any{"query": watched[w.What], "variables": variables})
}

// told prints what a next message tells, and keeps its place.
func (w *watching) told(payload json.RawMessage) error {
	t, err := readTelling(payload)
	if err != nil {
		return err
	}
	w.heard++
	for _, e := range t.Errors {
		fmt.Fprintln(w.io.err, "error:", e.Message)
	}
	e := t.Data.Change
	if e == nil {
		w.cursor = cmp.Or(t.Extensions.Cursor, w.cursor)
		return nil
	}
	if e.Kind != kindCaughtUp {
		fmt.Fprintln(w.io.out, e)
	}
	// Only what was printed is behind us.
	w.cursor = cmp.Or(t.Extensions.Cursor, e.Cursor, w.cursor)
	switch e.Kind {
	case kindCaughtUp:
		w.noteCaughtUp()
	case kindSnapshot:
		w.loaded++
	default:
		w.missed++
		if w.changes++; w.changes == w.Count {
			return errEnough
		}
	}
	return nil
}

// refusal reads an error message: the code and the sentence of its first error, and
// how long that asks to wait.
func refusal(payload json.RawMessage) (code, text string, wait time.Duration) {
	var errs []struct {
		Message    string
		Extensions struct {
			Code         string
			RetryAfterMs uint32
		}
	}
	if err := json.Unmarshal(payload, &errs); err != nil || len(errs) == 0 {
		return "an error that can't be read", string(payload), 0
	}
	first := errs[0].Extensions
	return cmp.Or(first.Code, "error"), errs[0].Message, time.Duration(first.RetryAfterMs) * time.Millisecond
}

func (s *session) send(m message, payload any) error {
	if payload != nil {
		b, err := json.Marshal(payload)
		if err != nil {
			return fmt.Errorf("writing a message: %w", err)
		}
		m.Payload = b
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return &lostError{cause: fmt.Errorf("sending %s: %w", m.Type, err)}
	}
	if err := s.conn.WriteJSON(m); err != nil {
		return &lostError{cause: fmt.Errorf("sending %s: %w", m.Type, err)}
	}
	return nil
}

// The codes with which Redline closes a websocket that it wants back.
const (
	closeRestart    = websocket.CloseServiceRestart
	closeBusy       = websocket.CloseTryAgainLater
	closeSlowReader = 4013
	// closeInitTimeout is of the protocol: our first message came too late.
	closeInitTimeout = 4408
	// closeForbidden is of the protocol too: our token isn't taken.
	closeForbidden = 4403
)

// closed says in words why the connection ended, and whether there is use in
// another.
func (w *watching) closed(err error) error {
	if late, is := errors.AsType[net.Error](err); is && late.Timeout() {
		return &lostError{cause: fmt.Errorf("nothing came from the gateway for %s", w.silence)}
	}
	ce, was := errors.AsType[*websocket.CloseError](err)
	if !was {
		return &lostError{cause: fmt.Errorf("reading from the websocket: %w", err)}
	}
	if ce.Code == websocket.CloseAbnormalClosure { // gorilla's word for an end without a close frame
		return &lostError{cause: errors.New("the websocket ended without a word")}
	}
	err = fmt.Errorf("the gateway closed the websocket: %d %s", ce.Code, ce.Text)
	switch ce.Code {
	case closeForbidden:
		if ce.Text == "Forbidden" {
			return errors.New("the token is not valid (4403)")
		}
		return err
	case closeRestart, closeSlowReader:
		w.advance(ce.Text)
		return &lostError{cause: fmt.Errorf("the gateway closed the websocket: %d, %s", ce.Code, closings[ce.Code]), invited: true}
	case closeBusy:
		return &lostError{cause: err, wait: busyPause, invited: true}
	case websocket.CloseProtocolError, websocket.CloseUnsupportedData, websocket.CloseInvalidFramePayloadData,
		websocket.ClosePolicyViolation, websocket.CloseMessageTooBig:
		return err
	}
	if ce.Code >= 4400 && ce.Code < 4500 && ce.Code != closeInitTimeout {
		return err // the protocol's refusals: the same again would be refused again
	}
	return &lostError{cause: err}
}

// closings are the reasons of those closes that have a cursor for a reason.
var closings = map[int]string{closeRestart: "it restarts", closeSlowReader: "we read too slowly"}
