package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"redline/test/internal/measure"
)

const (
	// maxRate is the most changes a second: beyond it the API is measured, and not the page.
	maxRate = 2000
	// often is how many requests a second make the changes.
	often = 20
	// maxBatch is the most changes of one request, where the last one took long.
	maxBatch = 200
)

// changes are made through the API, one piece more or less of one product after the other.
type changes struct {
	url, token, location string
	products, rate       int

	made   int
	took   time.Duration
	cancel context.CancelFunc
	ended  chan error
}

// start makes changes at the rate until stop.
func (c *changes) start(ctx context.Context) {
	ctx, c.cancel = context.WithCancel(ctx)
	c.ended = make(chan error, 1)
	go func() { c.ended <- c.run(ctx) }()
}

// stop waits for the last change, and returns how many there were.
func (c *changes) stop() (int, error) {
	c.cancel()
	err := <-c.ended
	return c.made, err
}

// reached is how many changes a second were made.
func (c *changes) reached() float64 { return float64(c.made) / c.took.Seconds() }

// kept says where the rate wasn't.
func (c *changes) kept() error {
	if c.reached() < minRate*float64(c.rate) {
		return fmt.Errorf("%.0f changes a second were made, and not %d: the gateway or the machine takes no more", c.reached(), c.rate)
	}
	return nil
}

func (c *changes) run(ctx context.Context) error {
	tick := time.NewTicker(time.Second / often)
	defer tick.Stop()
	began := time.Now()
	defer func() { c.took = time.Since(began) }()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		owed := int(time.Since(began).Seconds()*float64(c.rate)) - c.made
		if owed < 1 {
			continue
		}
		// What was begun is done: only so is it known how many changes there were.
		if err := c.make(context.WithoutCancel(ctx), min(owed, maxBatch)); err != nil {
			return err
		}
	}
}

const adjustText = `mutation Adjust($input: InventoryAdjustInput!) { inventoryAdjust(input: $input) {
  rows { userErrors { code message } } userErrors { code message } } }`

// make changes n levels, each of another product.
func (c *changes) make(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, measure.Patience)
	defer cancel()
	first, rows := rand.IntN(c.products), make([]any, n)
	for i := range rows {
		// A prime apart, so that they are spread over the page.
		sku := fmt.Sprintf("LOAD-%05d", (first+i*7919)%c.products)
		rows[i] = map[string]any{"stock": map[string]string{"sku": sku, "locationCode": c.location}, "delta": 1 - 2*rand.IntN(2)}
	}
	body, err := json.Marshal(map[string]any{"query": adjustText, "variables": map[string]any{"input": map[string]any{
		"idempotencyKey": fmt.Sprintf("dashload-%d", c.made), "reason": "CORRECTED", "changes": rows,
	}}})
	if err != nil {
		return fmt.Errorf("writing changes: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking for changes: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("asking for changes: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || bytes.Contains(answer, []byte(`"code"`)) || bytes.Contains(answer, []byte(`"errors"`))) {
		err = fmt.Errorf("status %d: %.500s", resp.StatusCode, answer)
	}
	if err != nil {
		return fmt.Errorf("changing stock: %w", err)
	}
	c.made += n
	return nil
}
