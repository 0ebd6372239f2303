package histories_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"redline"
	"redline/store"
)

// ask is a call on the one level of a product.
type ask struct {
	product int
	do      verb
	n       int
	// id is the reservation or order that is meant.
	id string
}

type verb string

const (
	adjusts  verb = "adjust"
	counts   verb = "count"
	reserves verb = "reserve"
	releases verb = "release"
	places   verb = "place"
	cancels  verb = "cancel"
	reads    verb = "read"
)

// answer is what came of a call: refused, or done, with what was made or read.
type answer struct {
	refused bool
	id      string
	level   shelf
}

// shelf is a level, as a reader sees it.
type shelf struct{ onHand, reserved, committed, version int }

func (s shelf) available() int { return s.onHand - s.reserved - s.committed }

// shop is a level and what is held of it, by reservation and by order.
type shop struct {
	shelf
	held map[string]int
}

// keeping is a shop after n of an id are held, or given back where n is below 0.
func (s shop) keeping(id string, n int) map[string]int {
	held := maps.Clone(s.held)
	if n > 0 {
		held[id] = n
	} else {
		delete(held, id)
	}
	return held
}

// onePerProduct is the model: of a level in memory, with one caller at a time.
var onePerProduct = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byProduct := map[int][]porcupine.Operation{}
		for _, op := range history {
			p := op.Input.(ask).product
			byProduct[p] = append(byProduct[p], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range byProduct {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return shop{shelf{onHand: opening, version: 1}, map[string]int{}} },
	Equal: func(a, b any) bool {
		x, y := a.(shop), b.(shop)
		return x.shelf == y.shelf && maps.Equal(x.held, y.held)
	},
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(shop), input.(ask), output.(answer)
		if in.do == reads {
			return out.level == s.shelf, s
		}
		next := shop{s.shelf, s.held}
		next.version++
		possible := true
		switch in.do {
		case adjusts:
			next.onHand += in.n
			possible = next.onHand >= 0 && next.available() >= 0
		case counts:
			next.onHand = in.n
			possible = next.available() >= 0
		case reserves:
			next.reserved += in.n
			next.held = s.keeping(out.id, in.n)
			possible = next.available() >= 0
		case places:
			next.committed += in.n
			next.held = s.keeping(out.id, in.n)
			possible = next.available() >= 0
		case releases, cancels:
			n, there := s.held[in.id]
			if in.do == releases {
				next.reserved -= n
			} else {
				next.committed -= n
			}
			next.held = s.keeping(in.id, 0)
			possible = there
		}
		if out.refused {
			return !possible, s
		}
		return possible, next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
	DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
}

// opening is what is on hand of each product at first.
const opening = 8

// few products, so that callers meet.
const linearProducts, linearCallers, linearCalls = 2, 6, 25

// record runs callers side by side on few products, and returns what each saw.
func record(ctx context.Context, t *testing.T, s *store.Store, seed uint64) (*desk, []porcupine.Operation) {
	t.Helper()
	w := &desk{Store: s, ctx: ctx}
	w.open(t)
	var mu sync.Mutex
	var history []porcupine.Operation
	made := map[verb][]ask{}
	start := time.Now()
	var callers sync.WaitGroup
	for caller := range linearCallers {
		random := rand.New(rand.NewPCG(seed, uint64(caller)))
		callers.Go(func() {
			for range linearCalls {
				in := ask{product: random.IntN(linearProducts), do: []verb{adjusts, counts, reserves, reserves, releases, places, places, cancels, reads, reads}[random.IntN(10)]}
				switch in.do {
				case adjusts:
					in.n = random.IntN(9) - 4
				case counts:
					in.n = random.IntN(2 * opening)
				case reserves, places:
					in.n = random.IntN(4) + 1
				case releases, cancels:
					mu.Lock()
					var of []ask
					if of = made[in.do]; len(of) > 0 {
						in = of[random.IntN(len(of))]
					}
					mu.Unlock()
					if in.id == "" {
						continue
					}
				}
				if in.do == adjusts && in.n == 0 {
					continue
				}
				from := time.Since(start)
				out, err := w.call(in)
				to := time.Since(start)
				if err != nil {
					t.Errorf("%+v: %v", in, err)
					return
				}
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: caller, Input: in, Call: int64(from), Output: out, Return: int64(to)})
				if undo := map[verb]verb{reserves: releases, places: cancels}[in.do]; undo != "" && !out.refused {
					made[undo] = append(made[undo], ask{product: in.product, do: undo, id: out.id})
				}
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	return w, history
}

// desk is where callers of one level a product ask.
type desk struct {
	*store.Store
	ctx      context.Context
	by       redline.Principal
	location string
	products []string
	levels   []string
}

// open makes products with one level each.
func (w *desk) open(t *testing.T) {
	t.Helper()
	w.by = redline.Principal{Issuer: "histories", Subject: "one", Role: redline.RoleAdmin, Scopes: redline.DefaultScopes(redline.RoleAdmin)}
	name := fmt.Sprintf("linear%d", worlds.Add(1))
	w.location = redline.NewID(redline.PrefixLocation)
	exec := func(text string, args ...any) {
		if _, err := w.DB().ExecContext(w.ctx, text, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO locations (id, code, name, kind) VALUES ($1, $2, $2, 'WAREHOUSE')`, w.location, name)
	if err := w.RefreshPlaces(w.ctx); err != nil {
		t.Fatal(err)
	}
	for i := range linearProducts {
		id := redline.NewID(redline.PrefixProduct)
		exec(`INSERT INTO products (id, sku, name, category, base_unit, price, currency) VALUES ($1, $2, $2, 'c', 'PIECE', 1, 'USD')`,
			id, fmt.Sprintf("%s-%d", name, i))
		w.products = append(w.products, id)
		done, err := w.adjust(ask{product: i, n: opening})
		if err != nil {
			t.Fatal(err)
		}
		w.levels = append(w.levels, done.Rows[0].Level.ID)
	}
}

func (w *desk) stock(in ask) redline.StockKey {
	return redline.StockKey{ProductID: &w.products[in.product], LocationID: &w.location}
}

func (w *desk) adjust(in ask) (*redline.InventoryResult, error) {
	return w.InventoryAdjust(w.ctx, w.by, redline.InventoryAdjustInput{
		IdempotencyKey: redline.NewID("key"), Reason: redline.ReasonCorrected, OnRowError: redline.RollBack,
		Changes: []redline.InventoryChange{{Stock: w.stock(in), State: redline.StateOnHand, Delta: in.n}},
	})
}

// call makes one call and says what came of it. What a rule refused is an
// answer; anything else is an error.
func (w *desk) call(in ask) (answer, error) {
	var id string
	var err error
	key := redline.NewID("key")
	line := []redline.LineInput{{ProductID: &w.products[in.product], Quantity: in.n, LocationID: &w.location}}
	switch in.do {
	case adjusts:
		_, err = w.adjust(in)
	case counts:
		_, err = w.InventorySet(w.ctx, w.by, redline.InventorySetInput{
			IdempotencyKey: key, OnRowError: redline.RollBack,
			Counts: []redline.InventoryCount{{Stock: w.stock(in), OnHand: in.n, Basis: redline.CountBasis{Override: ref(true)}}},
		})
	case reserves:
		id, _, err = w.ReservationCreate(w.ctx, w.by, redline.ReservationCreateInput{IdempotencyKey: key, Lines: line, TTLSeconds: 3600, AllowStale: true})
	case releases:
		_, _, err = w.ReservationRelease(w.ctx, w.by, redline.ReservationReleaseInput{IdempotencyKey: &key, ReservationID: in.id})
	case places:
		id, _, err = w.OrderPlace(w.ctx, w.by, redline.OrderPlaceInput{IdempotencyKey: key, Lines: line, AllowStale: true})
	case cancels:
		_, _, err = w.OrderCancel(w.ctx, w.by, redline.OrderCancelInput{IdempotencyKey: key, OrderID: in.id, Reason: "changed my mind"})
	case reads:
		found, err := w.LevelsByID(w.ctx, w.by, []string{w.levels[in.product]})
		if err != nil {
			return answer{}, err
		}
		l := found[w.levels[in.product]]
		return answer{level: shelf{l.OnHand, l.Reserved, l.Committed, l.Version}}, nil
	}
	switch refused := codes(err); {
	case err == nil:
		return answer{id: id}, nil
	case len(refused) == 1 && (refused[0] == redline.CodeInsufficientStock || refused[0] == redline.CodeInvalidTransition):
		return answer{refused: true}, nil
	}
	return answer{}, err
}

// searching bounds the search for an order of the calls.
const searching = 2 * time.Minute

// TestCallersSeeOneStore: what callers at once are answered could have been
// answered to one after the other, in an order that agrees with time.
func TestCallersSeeOneStore(t *testing.T) {
	t.Parallel()
	ctx, s, _ := open(t)
	for seed := range max(histories(t)/10, 3) {
		_, history := record(ctx, t, s, uint64(seed))
		if result := porcupine.CheckOperationsTimeout(onePerProduct, history, searching); result != porcupine.Ok {
			t.Fatalf("seed %d: the history of %d calls is %s: %+v", seed, len(history), result, history)
		}
	}
}

// TestAnImpossibleHistoryIsFoundOut: the check above can fail. A read that is off
// by one, or that is older than another before it, is told.
func TestAnImpossibleHistoryIsFoundOut(t *testing.T) {
	t.Parallel()
	ctx, s, _ := open(t)
	w, history := record(ctx, t, s, 1)
	end := history[len(history)-1].Return
	for _, op := range history {
		end = max(end, op.Return)
	}
	for product := range linearProducts {
		read, err := w.call(ask{product: product, do: reads})
		if err != nil {
			t.Fatal(err)
		}
		level := read.level
		for what, wrong := range map[string]shelf{
			"one too many":   {level.onHand + 1, level.reserved, level.committed, level.version},
			"a version back": {level.onHand, level.reserved, level.committed, level.version - 1},
		} {
			doctored := slices.Concat(history, []porcupine.Operation{
				{Input: ask{product: product, do: reads}, Call: end + 1, Output: answer{level: level}, Return: end + 2},
				{Input: ask{product: product, do: reads}, Call: end + 3, Output: answer{level: wrong}, Return: end + 4},
			})
			if porcupine.CheckOperationsTimeout(onePerProduct, doctored, searching) != porcupine.Illegal {
				t.Errorf("a read of %s passes", what)
			}
		}
	}
}
