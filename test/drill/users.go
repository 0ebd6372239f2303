package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// answerTimeout is how long a client waits for an answer: longer than the gateway may
// take for any.
const answerTimeout = 45 * time.Second

// client asks the gateway as somebody.
type client struct {
	http  *http.Client
	addr  string
	token string
}

func newClient(addr, token string) *client {
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	return &client{&http.Client{Transport: transport, Timeout: answerTimeout}, addr, token}
}

// answer is what came of an operation.
type answer struct {
	status     int
	retryAfter string
	Data       map[string]json.RawMessage
	Errors     []struct {
		Message    string
		Extensions struct{ Code string }
	}
}

// ask runs an operation and says how it was answered: ok, or with which code.
func (c *client) ask(ctx context.Context, query string, variables map[string]any) (answer, string) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return answer{}, err.Error()
	}
	return c.send(ctx, bytes.NewReader(body))
}

func (c *client) send(ctx context.Context, body io.Reader) (answer, string) {
	var a answer
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.addr+"/graphql", body)
	if err != nil {
		return a, err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/graphql-response+json")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return a, failed(err)
	}
	defer func() { _ = resp.Body.Close() }()
	a.status, a.retryAfter = resp.StatusCode, resp.Header.Get("Retry-After")
	text, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return a, failed(err)
	}
	switch err := json.Unmarshal(text, &a); {
	case err != nil:
		return a, fmt.Sprintf("%d, not JSON", a.status)
	case len(a.Errors) > 0 && a.status == http.StatusOK:
		return a, a.Errors[0].Extensions.Code
	case len(a.Errors) > 0:
		class := fmt.Sprintf("%d %s", a.status, a.Errors[0].Extensions.Code)
		if seconds, err := strconv.Atoi(a.retryAfter); a.status == http.StatusServiceUnavailable && (err != nil || seconds < 1 || seconds > 60) {
			class += fmt.Sprintf(" with Retry-After %q", a.retryAfter) // which nobody may be told
		}
		return a, class
	case a.status != http.StatusOK:
		return a, fmt.Sprint(a.status)
	}
	return a, answered
}

// failed is the class of an answer that never came.
func failed(err error) string {
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return noAnswer
	}
	return noGateway
}

const pageQuery = `{ products(first: 5, filter: { search: "brake" }) { nodes { sku name price { amount currency }
	availability { available locations { available stale location { code } } } } } }`

// read has a page read over and over.
func (d *drilling) read(ctx context.Context) {
	c := newClient(d.addr, "")
	for ctx.Err() == nil {
		note := d.pages.ask(ctx)
		_, class := c.ask(ctx, pageQuery, nil)
		note(class)
		pause(ctx, 25*time.Millisecond)
	}
	c.http.CloseIdleConnections()
}

// acknowledged are the orders that storefronts were told they have.
type acknowledged struct {
	mu      sync.Mutex
	numbers map[string]string // by reference
}

func (a *acknowledged) note(reference, number string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.numbers[reference] = number
}

const orderMutation = `mutation($input: OrderPlaceInput!) { orderPlace(input: $input) {
	order { number } userErrors { code } replayed } }`

// The products that are ordered: of one there is enough, and the other runs out.
const (
	plentySKU = "BRK-PAD-1037"
	scarceSKU = "BRK-PAD-1039"
	warehouse = "WH-EAST"
)

// order has a storefront order over and over. An order is asked for with the same key
// until it is known what became of it.
func (d *drilling) order(ctx context.Context) {
	c := newClient(d.addr, d.shop)
	defer c.http.CloseIdleConnections()
	for n := 0; ctx.Err() == nil; n++ {
		key, sku := rand.Text(), plentySKU
		if n%2 == 0 {
			sku = scarceSKU
		}
		for ctx.Err() == nil {
			note := d.orders.ask(ctx)
			class, known := d.place(ctx, c, key, sku)
			note(class)
			if known {
				break
			}
			pause(ctx, 100*time.Millisecond)
		}
		pause(ctx, 25*time.Millisecond)
	}
}

// place asks once for an order of one piece, and says how it was answered and whether
// that is final.
func (d *drilling) place(ctx context.Context, c *client, key, sku string) (class string, known bool) {
	a, class := c.ask(ctx, orderMutation, map[string]any{"input": map[string]any{
		"idempotencyKey": key, "externalReference": key, "customer": map[string]any{"name": "Drill"},
		"lines": []any{map[string]any{"sku": sku, "quantity": 1}},
	}})
	return d.outcome(key, a, class)
}

// sellOut has a crowd order the product that runs out until each of them is told that
// there is no more. What was left can't be bought by two of them, and nothing stays.
func (d *drilling) sellOut(ctx context.Context) error {
	if err := d.replenish(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sellingOut)
	defer cancel()
	d.spawn(ctx, 2*d.users, func(ctx context.Context) {
		c := newClient(d.addr, d.shop)
		defer c.http.CloseIdleConnections()
		key := rand.Text()
		for class := ""; class != soldOut && ctx.Err() == nil; {
			var known bool
			if class, known = d.place(ctx, c, key, scarceSKU); known {
				key = rand.Text()
			} else {
				pause(ctx, 100*time.Millisecond)
			}
		}
	})()
	if ctx.Err() != nil {
		return fmt.Errorf("selling out: %w", ctx.Err())
	}
	return nil
}

// sellingOut is how long that may take.
const sellingOut = 2 * time.Minute

// outcome reads what became of an order, and whether that is final.
func (d *drilling) outcome(key string, a answer, class string) (string, bool) {
	if class != answered {
		return class, false
	}
	var payload struct {
		Order      *struct{ Number string }
		UserErrors []struct{ Code string }
	}
	switch err := json.Unmarshal(a.Data["orderPlace"], &payload); {
	case err != nil:
		return "not an order", true
	case payload.Order != nil:
		d.acked.note(key, payload.Order.Number)
		return answered, true
	case len(payload.UserErrors) == 1 && payload.UserErrors[0].Code == "INSUFFICIENT_STOCK":
		return soldOut, true
	case len(payload.UserErrors) == 1 && payload.UserErrors[0].Code == "IDEMPOTENCY_IN_PROGRESS":
		return "in progress", false
	case len(payload.UserErrors) > 0:
		return payload.UserErrors[0].Code, true
	}
	return "neither order nor error", true
}

// probe asks a health path as an orchestrator does, by a connection of its own each time.
func (d *drilling) probe(ctx context.Context, path string, t *tally) {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: d.within(5 * time.Second)}
	for ctx.Err() == nil {
		note := t.ask(ctx)
		note(d.probeOnce(ctx, c, path))
		pause(ctx, 100*time.Millisecond)
	}
}

func (d *drilling) probeOnce(ctx context.Context, c *http.Client, path string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.addr+path, nil)
	if err != nil {
		return err.Error()
	}
	resp, err := c.Do(req)
	if err != nil {
		return failed(err)
	}
	_ = resp.Body.Close()
	return fmt.Sprint(resp.StatusCode)
}

// pause lets some time pass, or ctx end.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
