package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

type watchCmd struct {
	What  string        `arg:"" optional:"" default:"availability" enum:"availability,stock,orders,conflicts" help:"availability (for anybody), stock, orders or conflicts."`
	URL   string        `default:"http://127.0.0.1:8080" help:"The gateway."`
	Token string        `help:"Whose eyes to watch with; left out, a storefront's page. Better given as REDLINE_TOKEN."`
	SKU   []string      `placeholder:"SKU" help:"Only these products, for availability and stock."`
	Count int           `help:"Stop after so many changes; 0 goes on until interrupted."`
	For   time.Duration `help:"Stop after so long; 0 goes on until interrupted."`
}

// watched is what each subject subscribes to.
var watched = map[string]string{
	"availability": `subscription($skus: [String!]) { change: availabilityChanged(filter: {skus: $skus}) {
		cursor at kind available stale product { sku name } location { code } } }`,
	"stock": `subscription($skus: [String!]) { change: inventoryChanged(filter: {skus: $skus}) {
		cursor at kind reason changes { state delta after }
		level { version onHand available committed product { sku } location { code } } } }`,
	"orders": `subscription { change: orderChanged {
		cursor at kind from to order { number version } fulfillmentOrder { id status location { code } } } }`,
	"conflicts": `subscription { change: conflictChanged {
		cursor at kind conflict { id kind status version summary resolution supplier { code } } } }`,
}

// message is one of graphql-transport-ws, whichever way it goes.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// errEnough ends a watch that has seen what it was asked for.
var errEnough = errors.New("enough")

// Run prints a line for each change until it is interrupted.
func (c *watchCmd) Run(ctx context.Context, io streams) error {
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: 10 * time.Second}
	conn, resp, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(strings.TrimSuffix(c.URL, "/"), "http")+"/graphql", nil) //nolint:bodyclose // gorilla's needs no closing
	if err != nil {
		if resp != nil {
			return fmt.Errorf("opening the websocket: %s", resp.Status)
		}
		return fmt.Errorf("opening the websocket: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		if stop() {
			_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
			_ = conn.Close()
		}
	}()
	err = c.watch(conn, io)
	if errors.Is(err, errEnough) || ctx.Err() != nil {
		return nil
	}
	return err
}

func (c *watchCmd) watch(conn *websocket.Conn, io streams) error {
	hello := map[string]string{}
	if c.Token != "" {
		hello["authorization"] = "Bearer " + c.Token
	}
	if err := send(conn, message{Type: "connection_init"}, hello); err != nil {
		return err
	}
	for seen := 0; ; {
		var m message
		if err := conn.ReadJSON(&m); err != nil {
			return closed(err)
		}
		switch m.Type {
		case "connection_ack":
			variables := map[string]any{}
			if len(c.SKU) > 0 {
				variables["skus"] = c.SKU
			}
			if err := send(conn, message{ID: "1", Type: "subscribe"}, map[string]any{"query": watched[c.What], "variables": variables}); err != nil {
				return err
			}
			fmt.Fprintf(io.err, "watching %s; interrupt to stop\n", c.What)
		case "ping":
			if err := send(conn, message{Type: "pong"}, nil); err != nil {
				return err
			}
		case "next":
			if err := printChange(io, m.Payload); err != nil {
				return err
			}
			if seen++; seen == c.Count {
				return errEnough
			}
		case "error":
			return fmt.Errorf("the gateway refused: %s", m.Payload)
		case "complete":
			return errors.New("the gateway ended the subscription")
		}
	}
}

func send(conn *websocket.Conn, m message, payload any) error {
	if payload != nil {
		b, err := json.Marshal(payload)
		if err != nil {
			return fmt.Errorf("writing a message: %w", err)
		}
		m.Payload = b
	}
	if err := conn.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return fmt.Errorf("sending %s: %w", m.Type, err)
	}
	if err := conn.WriteJSON(m); err != nil {
		return fmt.Errorf("sending %s: %w", m.Type, err)
	}
	return nil
}

// closed says in words why the gateway closed the socket.
func closed(err error) error {
	var ce *websocket.CloseError
	if errors.As(err, &ce) {
		return fmt.Errorf("the gateway closed the websocket: %d %s", ce.Code, ce.Text)
	}
	return fmt.Errorf("reading from the websocket: %w", err)
}

// change is what the subscriptions tell, as far as each does.
type change struct {
	Cursor    string
	At        time.Time
	Kind      string
	Available *int
	Product   *struct{ SKU, Name string }
	Location  *struct{ Code string }
	Reason    string
	Changes   []struct {
		State string
		Delta int
		After int
	}
	Level *struct {
		Version, OnHand, Available, Committed int
		Product                               struct{ SKU string }
		Location                              struct{ Code string }
	}
	From, To string
	Order    *struct {
		Number  string
		Version int
	}
	FulfillmentOrder *struct {
		ID, Status string
		Location   struct{ Code string }
	}
	Conflict *struct {
		ID, Kind, Status, Summary string
		Version                   int
		Resolution                *string
		Supplier                  *struct{ Code string }
	}
}

// printChange prints one change as a line for people.
func printChange(io streams, payload json.RawMessage) error {
	var p struct {
		Data   struct{ Change *change }
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		return fmt.Errorf("reading a change: %w", err)
	}
	for _, e := range p.Errors {
		fmt.Fprintln(io.err, "error:", e.Message)
	}
	e := p.Data.Change
	if e == nil {
		return nil
	}
	var words []string
	add := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	add("%s", e.At.Format("15:04:05.000"))
	if e.Kind != "CHANGE" {
		add("%s", e.Kind)
	}
	switch {
	case e.Order != nil:
		from := e.From
		if from == "" {
			from = "placed"
		}
		add("order %s v%d: %s → %s", e.Order.Number, e.Order.Version, from, e.To)
		if f := e.FulfillmentOrder; f != nil {
			add("(%s at %s is %s)", f.ID, f.Location.Code, f.Status)
		}
	case e.Conflict != nil:
		c := e.Conflict
		add("%s v%d %s: %s", c.ID, c.Version, c.Status, c.Kind)
		if c.Supplier != nil {
			add("(%s)", c.Supplier.Code)
		}
		add("%s", c.Summary)
		if c.Resolution != nil {
			add("→ %s", *c.Resolution)
		}
	case e.Level != nil:
		l := e.Level
		add("%s at %s v%d: %d on hand, %d available, %d committed; %s", l.Product.SKU, l.Location.Code, l.Version, l.OnHand, l.Available, l.Committed, e.Reason)
		for _, ch := range e.Changes {
			add("%s %+d", ch.State, ch.Delta)
		}
	case e.Product != nil && e.Location != nil && e.Available != nil:
		add("%s at %s: %d available", e.Product.SKU, e.Location.Code, *e.Available)
	}
	fmt.Fprintln(io.out, strings.Join(words, " "))
	return nil
}
