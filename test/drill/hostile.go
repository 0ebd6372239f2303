package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// attack is what hostile clients do, so many at once, over and over.
type attack struct {
	title   string
	clients int
	// strike is done once, and says what came of it.
	strike func(ctx context.Context, d *drilling) string
	// wants are the beginnings of what may come of it; none is anything. Of garbage some
	// is the beginning of a message, of which the rest is waited for.
	wants []string
}

// hostile are all attacks.
func (d *drilling) hostile() []attack {
	return []attack{
		{"headers that don't end", 200, slowHeaders, []string{"ended", held}},
		{"bodies that don't end", 200, slowBody, []string{"408", held}},
		{"websockets that nobody reads", 2 * d.users, unread, []string{"4013 with a cursor"}},
		{"a flood of connections", 50, connect, nil},
		{"a flood of bad tokens", 8, badToken, []string{"401"}},
		{"a flood of hostile queries", 4, hostileQuery, []string{"400", "413"}},
		{"garbage on websockets", 8, garbage, []string{"44", "10", "ended", noAnswer}},
		{"messages that are too large", 4, tooLarge, []string{"413", "1009", "ended"}},
	}
}

// spawn has a function run so often at once, and returns what waits for all.
func (d *drilling) spawn(ctx context.Context, n int, do func(context.Context)) (wait func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() { do(ctx) })
	}
	return all.Wait
}

// besiege has an attack go on for a while, and until something came of it; what is to
// be held goes on as long as the flood does.
func (d *drilling) besiege(ctx context.Context, a attack) error {
	// Without a deadline, which a dialer would tell of as a timeout of its own.
	during, end := context.WithCancel(ctx)
	defer end()
	var t tally
	wait := d.spawn(during, a.clients, func(ctx context.Context) {
		for ctx.Err() == nil {
			began := time.Now()
			if came := a.strike(ctx, d); ctx.Err() == nil || came == held || strings.HasPrefix(came, "4013") {
				t.note(came, time.Since(began))
			}
			pause(ctx, time.Millisecond)
		}
	})
	pause(ctx, d.flood)
	if !slices.Contains(a.wants, held) {
		d.until(ctx, d.within(bothered), func() bool { return t.answers() > 0 }) // judged below
	}
	end()
	wait()
	came := t.take()
	d.say("  attackers   %s", came)
	if len(came.took) == 0 {
		d.breaks("%s: nothing came of it, and so nothing was tried", a.title)
	}
	for class, n := range came.count {
		fits := len(a.wants) == 0
		for _, want := range a.wants {
			fits = fits || strings.HasPrefix(class, want)
		}
		if !fits {
			d.breaks("%s: %d were answered %q", a.title, n, class)
		}
	}
	return ctx.Err()
}

// dial connects to the gateway; whoever ends ctx ends the connection.
func (d *drilling) dial(ctx context.Context) (conn net.Conn, end func(), err error) {
	conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", d.addr)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	return conn, func() { stop(); _ = conn.Close() }, nil
}

func slowHeaders(ctx context.Context, d *drilling) string {
	return trickle(ctx, d, "POST /graphql HTTP/1.1\r\nHost: drill\r\nX-Slow: ")
}

func slowBody(ctx context.Context, d *drilling) string {
	return trickle(ctx, d, "POST /graphql HTTP/1.1\r\nHost: drill\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{\"query\":\"")
}

// trickle sends a beginning and then a byte now and then, until the gateway has enough.
func trickle(ctx context.Context, d *drilling, begin string) string {
	conn, end, err := d.dial(ctx)
	if err != nil {
		return failed(err)
	}
	defer end()
	if _, err := io.WriteString(conn, begin); err != nil {
		return "ended"
	}
	said := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(io.LimitReader(conn, 4096)) // what came until it was ended
		said <- status(b)
	}()
	for {
		select {
		case came := <-said:
			return came
		case <-time.After(200 * time.Millisecond):
			_, _ = conn.Write([]byte("a")) // that it was ended shows above
		case <-ctx.Done():
			end()
			if came := <-said; came != "ended" {
				return came
			}
			return held
		}
	}
}

// status is the status of a raw answer, or that there was none.
func status(answer []byte) string {
	if first, _, ok := strings.Cut(string(answer), "\r\n"); ok {
		if parts := strings.Fields(first); len(parts) > 1 {
			return parts[1]
		}
	}
	return "ended"
}

// socket opens a websocket that has said who it is.
func (d *drilling) socket(ctx context.Context, buffer int) (*websocket.Conn, error) {
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: 10 * time.Second}
	if buffer > 0 {
		dialer.NetDialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			if tcp, is := conn.(*net.TCPConn); is {
				_ = tcp.SetReadBuffer(buffer) // a smaller one only helps
			}
			return conn, err
		}
	}
	conn, resp, err := dialer.DialContext(ctx, "ws://"+d.addr+"/graphql", nil)
	if resp != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return nil, err
	}
	init := encoded(map[string]any{"type": "connection_init", "payload": map[string]string{"authorization": "Bearer " + d.operator}})
	return conn, conn.WriteMessage(websocket.TextMessage, init)
}

// unread has the gateway say again what it was told, and reads nothing until it has been
// given much more than the network holds. It is then to be cut off.
func unread(ctx context.Context, d *drilling) string {
	conn, err := d.socket(ctx, 64<<10)
	if err != nil {
		return failed(err)
	}
	defer func() { _ = conn.Close() }()
	if _, _, err := conn.ReadMessage(); err != nil {
		return "ended"
	}
	subscribe := encoded(message{ID: "1", Type: "subscribe", Payload: encoded(map[string]string{
		"query": `subscription { inventoryChanged { cursor kind level { id version product { name } } } }`})})
	if err := conn.WriteMessage(websocket.TextMessage, subscribe); err != nil {
		return "ended"
	}
	ping := encoded(message{Type: "ping", Payload: encoded(map[string]string{"say": strings.Repeat("a", 60<<10)})})
	_ = conn.SetWriteDeadline(time.Now().Add(unreadFor)) // an open connection takes it
	for range 200 {
		if err := conn.WriteMessage(websocket.TextMessage, ping); err != nil {
			break // it isn't read any more
		}
	}
	return closing(conn)
}

// unreadFor is how long such a client goes on.
const unreadFor = 10 * time.Second

func connect(ctx context.Context, d *drilling) string {
	_, end, err := d.dial(ctx)
	if err != nil {
		return failed(err)
	}
	end()
	return "connected"
}

func badToken(ctx context.Context, d *drilling) string {
	forged := []string{"x", strings.Repeat("a.", 200), "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", d.operator[:len(d.operator)-4] + "AAAA", d.operator + ".x"}
	c := newClient(d.addr, forged[rand.IntN(len(forged))])
	defer c.http.CloseIdleConnections()
	_, class := c.ask(ctx, pageQuery, nil)
	return class
}

func hostileQuery(ctx context.Context, d *drilling) string {
	nested := "query{...f0}"
	for i := range 40 {
		nested += fmt.Sprintf("fragment f%d on Query{...f%d ...f%d}", i, i+1, i+1)
	}
	nested += "fragment f40 on Query{__typename}"
	hostile := []string{
		nested,
		"{" + strings.Repeat("__typename ", 10_000) + "}",
		strings.Repeat("{products{nodes", 500) + strings.Repeat("}}", 500),
		"{" + strings.Repeat("a:products(first:250){nodes{sku}} ", 200) + "}",
		"query(" + strings.Repeat("$a:Int ", 1000) + "){__typename}",
		"{__typename " + strings.Repeat("@include(if:true)", 400) + "}",
		strings.Repeat("#", 60_000) + "{__typename",
		strings.Repeat("[", 30_000),
	}
	c := newClient(d.addr, "")
	defer c.http.CloseIdleConnections()
	_, class := c.ask(ctx, hostile[rand.IntN(len(hostile))], nil)
	return class
}

// garbage says what no client of the protocol would say.
func garbage(ctx context.Context, d *drilling) string {
	conn, err := d.socket(ctx, 0)
	if err != nil {
		return failed(err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	kinds := []func() error{
		func() error { return conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"start"}`)) },
		func() error { return conn.WriteMessage(websocket.TextMessage, []byte(`{"type":`)) },
		func() error { return conn.WriteMessage(websocket.TextMessage, []byte(`[[[[[[[[`)) },
		func() error { return conn.WriteMessage(websocket.BinaryMessage, noise(64)) },
		func() error { return conn.WriteMessage(websocket.TextMessage, []byte{0xff, 0xfe}) },
		func() error {
			return conn.WriteMessage(websocket.TextMessage, []byte(`{"id":"1","type":"subscribe","payload":7}`))
		},
		func() error { _, err := conn.NetConn().Write(noise(200)); return err },
	}
	if err := kinds[rand.IntN(len(kinds))](); err != nil {
		return "ended"
	}
	return closing(conn)
}

// closing reads until the gateway closes the socket, and returns the code.
func closing(conn *websocket.Conn) string {
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second)) // an open connection takes it
	for {
		_, _, err := conn.ReadMessage()
		if _, is := errors.AsType[*websocket.CloseError](err); is {
			return parting(err)
		}
		if err != nil {
			if failed(err) == noAnswer {
				return noAnswer
			}
			return "ended"
		}
	}
}

// tooLarge sends more than is taken, by HTTP or on a websocket.
func tooLarge(ctx context.Context, d *drilling) string {
	if rand.IntN(2) == 0 {
		c := newClient(d.addr, "")
		c.http.Transport.(*http.Transport).DisableKeepAlives = true
		_, class := c.send(ctx, io.MultiReader(strings.NewReader(`{"query":"`), bytes.NewReader(bytes.Repeat([]byte("a"), 8<<20))))
		if class == noGateway { // it was hung up on while it still sent
			return "ended"
		}
		return class
	}
	conn, err := d.socket(ctx, 0)
	if err != nil {
		return failed(err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	_ = conn.WriteMessage(websocket.TextMessage, bytes.Repeat([]byte("a"), 8<<20)) // that it isn't read to its end shows below
	return closing(conn)
}

func noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}
