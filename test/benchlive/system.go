package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"redline/test/internal/measure"
)

// The systems that are compared, as --systems names them.
const (
	systemRedline = "redline"
	systemBare    = "bare"
	systemStock   = "stock"
)

// systemTitles are what the tables call them.
var systemTitles = map[string]string{systemRedline: "Redline", systemBare: "bare gorilla", systemStock: "stock gqlgen"}

// system is a server that runs, and how it is told what to publish.
type system struct {
	*measure.Target
	name    string
	pprof   string // the address that tells of its memory
	web     *http.Client
	writers int // the bare server's
	b       *bench
	// stock is the number of the last event of each product.
	stock map[string]int64
}

// startSystem starts one afresh, so that no measurement sees what another left
// in its memory.
func (b *bench) startSystem(ctx context.Context, name string) (*system, error) {
	s := &system{name: name, b: b, stock: map[string]int64{}, writers: 1}
	var err error
	if name == systemRedline {
		if s.pprof, err = measure.FreeAddr(ctx); err != nil {
			return nil, err
		}
		s.stock = b.stock // which outlives the server, in its database
		s.Target, err = b.redline.Start(ctx, "--pprof-addr", s.pprof)
	} else {
		if s.Target, err = measure.StartRole(ctx, name); err == nil {
			s.pprof = s.Addr
		}
	}
	if err != nil {
		return nil, err
	}
	s.web = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: maxWindow}}
	return s, nil
}

func (s *system) stop() {
	s.web.CloseIdleConnections()
	s.Stop()
}

// ask posts JSON and reads the answer.
func (s *system) ask(ctx context.Context, path string, body any) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, measure.Patience)
	defer cancel()
	text, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Addr+path, bytes.NewReader(text))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if s.name == systemRedline {
		req.Header.Set("Authorization", "Bearer "+s.b.operator)
	}
	resp, err := s.web.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, answer)
	}
	return string(answer), err
}

const adjustText = `mutation Adjust($input: InventoryAdjustInput!) { inventoryAdjust(input: $input) {
  rows { userErrors { code message } } userErrors { code message } } }`

// key makes idempotency keys.
var key atomic.Int64

// publish has something happen to each of some products: in Redline one piece
// more of each, in one transaction. It returns when the server has answered.
func (s *system) publish(ctx context.Context, skus []string) error {
	if s.name != systemRedline {
		if _, err := s.ask(ctx, "/publish", publishing{SKUs: skus, Like: s.b.sample, Writers: s.writers}); err != nil {
			return fmt.Errorf("publishing: %w", err)
		}
		return nil
	}
	changes := make([]any, 0, len(skus))
	for _, sku := range skus {
		changes = append(changes, map[string]any{"stock": map[string]string{"sku": sku, "locationCode": s.b.location}, "delta": 1})
	}
	answer, err := s.ask(ctx, "/graphql", map[string]any{"query": adjustText, "variables": map[string]any{"input": map[string]any{
		"idempotencyKey": fmt.Sprintf("live-%d-%d", s.b.begun.UnixNano(), key.Add(1)), "reason": "RECEIVED", "changes": changes,
	}}})
	if err == nil && (strings.Contains(answer, `"code"`) || strings.Contains(answer, `"errors"`)) {
		err = fmt.Errorf("the answer is %.500s", answer)
	}
	if err != nil {
		return fmt.Errorf("changing stock: %w", err)
	}
	return nil
}

// memory is what a process has in memory, in bytes.
type memory struct {
	resident int64 // of it, as the kernel sees it
	goes     int64 // its heap and its stacks that are in use
}

// settle has the garbage collected, lets what is free go back to the kernel for a
// moment, and tells what is left.
func (s *system) settle(ctx context.Context) (memory, error) {
	var m memory
	for range settleRounds {
		text, err := s.heap(ctx)
		if err != nil {
			return m, fmt.Errorf("asking the server for its memory: %w", err)
		}
		m.goes = stat(text, "# HeapInuse = ") + stat(text, "# Stack = ")
		select {
		case <-time.After(s.b.settle):
		case <-ctx.Done():
			return m, ctx.Err()
		}
	}
	m.resident, _ = measure.Resident(s.PID())
	return m, nil
}

const settleRounds = 3

func (s *system) heap(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, measure.Patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.pprof+"/debug/pprof/heap?gc=1&debug=1", nil)
	if err != nil {
		return "", err
	}
	resp, err := s.web.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// stat is the number after a name in what the runtime tells of its memory.
func stat(text, name string) int64 {
	_, rest, _ := strings.Cut(text, name)
	digits := rest[:max(0, len(rest)-len(strings.TrimLeft(rest, "0123456789")))]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
