package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// placing says which orders are placed.
type placing struct {
	// Run is part of all keys and references, so that none is used twice.
	Run string
	// Products is how many there are, named RL-000000 and on.
	Products int
	// Supplied is how many more there are that only a supplier has, BS-000000 and on.
	Supplied int
	// Hot: the first line is always of the first product.
	Hot bool
}

// pair picks the products of two lines.
func (p placing) pair(random *rand.Rand) (first, second int) {
	n := p.Products + p.Supplied
	if !p.Hot {
		first = random.IntN(n)
	}
	if second = random.IntN(n - 1); second >= first {
		second++
	}
	return first, second
}

// sku is the name of a product.
func (p placing) sku(i int) string {
	if i < p.Products {
		return fmt.Sprintf("RL-%06d", i)
	}
	return fmt.Sprintf("BS-%06d", i-p.Products)
}

// shop is what all connections of a shop know of its orders.
type shop struct {
	mu    sync.Mutex
	ids   []string
	again atomic.Int64
}

func (s *shop) add(id string) { s.mu.Lock(); defer s.mu.Unlock(); s.ids = append(s.ids, id) }

func (s *shop) placed() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.ids) }

func (s *shop) distinct() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	sorted := slices.Sorted(slices.Values(s.ids))
	return len(slices.Compact(sorted))
}

const placeText = `mutation Place($input: OrderPlaceInput!) { orderPlace(input: $input) {
  order { id number } userErrors { code } replayed } }`

// placer places one order after the other on one connection.
type placer struct {
	job     job
	shop    *shop
	random  *rand.Rand
	conn, n int
	prefix  []byte // of each body, up to the input
	body    []byte
	request []byte
}

func newPlacer(j job, s *shop, conn int, random *rand.Rand) *placer {
	text, _ := json.Marshal(placeText) // a string always has a JSON form
	return &placer{job: j, shop: s, random: random, conn: conn, prefix: fmt.Appendf(nil, `{"query":%s,"variables":{"input":`, text)}
}

// write makes the next request: an order with its own key, as a real shop sends
// it.
func (p *placer) write() {
	place := p.job.Place
	first, second := place.pair(p.random)
	p.n++
	key := fmt.Sprintf("%s-%d-%d", place.Run, p.conn, p.n)
	p.body = append(p.body[:0], p.prefix...)
	p.body = fmt.Appendf(p.body, `{"idempotencyKey":"%s","externalReference":"web-%s",`+
		`"customer":{"id":"c-%d","name":"Ann Miller","email":"ann.miller@example.com"},`+
		`"shipTo":{"name":"Ann Miller","lines":["12 Harbour Street"],"city":"Portland","region":"OR","postalCode":"97201","country":"US"},`+
		`"lines":[{"sku":"%s","quantity":1},{"sku":"%s","quantity":2}]}}}`, key, key, first, place.sku(first), place.sku(second))
	p.request = appendRequest(p.request[:0], "POST /graphql", p.job.Addr, p.job.Headers, p.body)
}

// ask places an order. Where the server says that it is too busy, or doesn't
// know what became of it, the same order is asked for again with the same key,
// as a shop does; nothing else may be wrong.
func (p *placer) ask(c *client) error {
	_, err := p.place(c)
	return err
}

// place does that, and returns the order's id.
func (p *placer) place(c *client) (id string, err error) {
	p.write()
	for try := 1; ; try++ {
		status, body, err := c.do(p.request)
		if err != nil {
			return "", err
		}
		var a struct {
			Data struct {
				OrderPlace struct {
					Order struct {
						ID     string `json:"id"`
						Number string `json:"number"`
					} `json:"order"`
					UserErrors []struct{ Code string } `json:"userErrors"`
					Replayed   bool                    `json:"replayed"`
				} `json:"orderPlace"`
			} `json:"data"`
			Errors []struct {
				Extensions struct{ Code string } `json:"extensions"`
			} `json:"errors"`
		}
		if err := json.Unmarshal(body, &a); err != nil {
			return "", fmt.Errorf("the answer to an order: %w: status %d, %.500s", err, status, body)
		}
		code := ""
		for _, e := range a.Errors {
			code = e.Extensions.Code
		}
		for _, e := range a.Data.OrderPlace.UserErrors {
			code = e.Code
		}
		switch o := a.Data.OrderPlace.Order; {
		case code == "" && status == 200 && o.ID != "" && o.Number != "":
			p.shop.add(o.ID)
			return o.ID, nil
		case try < tries && (code == "UNAVAILABLE" || code == "OUTCOME_UNKNOWN" || code == "IDEMPOTENCY_IN_PROGRESS"):
			p.shop.again.Add(1)
			<-time.After(again)
		default:
			return "", fmt.Errorf("an order was answered with status %d, %.500s, %w", status, body, errStrange)
		}
	}
}

const (
	// again is after how long a shop asks again.
	again = 20 * time.Millisecond
	// tries is how often it asks at most for one order: for a minute and more.
	tries = 3000
)
