package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"redline"
	"redline/graph/generated"
	"redline/graph/model"
)

// stock is the contract's schema as gqlgen serves it, with the hub that most
// write: a channel for each subscriber.
type stock struct {
	// What isn't subscribed to here has no resolvers.
	generated.ResolverRoot
	http.Handler
	ctx    context.Context //nolint:containedctx // It is the server's lifetime.
	cancel context.CancelFunc
	open   sync.WaitGroup

	mu       sync.Mutex
	watching map[string]map[chan *model.AvailabilityEvent]<-chan struct{} // with what is closed at its end
	numbers  map[string]int
	cursor   redline.Cursor
}

// stockBuffer is how many events may wait for one subscriber.
const stockBuffer = 16

func newStock() *stock {
	s := &stock{watching: map[string]map[chan *model.AvailabilityEvent]<-chan struct{}{}, numbers: map[string]int{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	server := handler.New(generated.NewExecutableSchema(generated.Config{Resolvers: s}))
	server.AddTransport(transport.Websocket{PingPongInterval: pingInterval})
	server.SetQueryCache(lru.New[*ast.QueryDocument](queryCache))
	s.Handler = server
	return s
}

// queryCache is as large as in gqlgen's examples.
const queryCache = 1000

// pingInterval is as long as Redline's.
const pingInterval = 25 * time.Second

// ServeHTTP serves a socket until it ends, or the server does.
func (s *stock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.open.Add(1)
	defer s.open.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := context.AfterFunc(s.ctx, cancel)
	defer stop()
	s.Handler.ServeHTTP(w, r.WithContext(ctx))
}

func (s *stock) close() {
	s.cancel()
	s.open.Wait()
}

// Subscription has the one field that is subscribed to.
func (s *stock) Subscription() generated.SubscriptionResolver { return subscriptions{hub: s} }

type subscriptions struct {
	generated.SubscriptionResolver
	hub *stock
}

// AvailabilityChanged gives a channel of its own to each subscriber.
func (r subscriptions) AvailabilityChanged(
	ctx context.Context, filter *model.AvailabilityLiveFilter, _ *string, _ bool, _ model.Delivery,
) (<-chan *model.AvailabilityEvent, error) {
	if filter == nil || len(filter.Skus) == 0 {
		return nil, errors.New("no products are named")
	}
	events := make(chan *model.AvailabilityEvent, stockBuffer)
	s := r.hub
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sku := range filter.Skus {
		if s.watching[sku] == nil {
			s.watching[sku] = map[chan *model.AvailabilityEvent]<-chan struct{}{}
		}
		s.watching[sku][events] = ctx.Done()
	}
	// The channel isn't closed: who went away reads it no more.
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, sku := range filter.Skus {
			delete(s.watching[sku], events)
		}
	})
	return events, nil
}

// publish sends an event to each subscriber's channel.
func (s *stock) publish(p publishing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sku := range p.SKUs {
		s.numbers[sku]++
		s.cursor.ID++
		e := stockEvent(sku, s.numbers[sku], s.cursor)
		for events, gone := range s.watching[sku] {
			select {
			case events <- e:
			case <-gone:
			}
		}
	}
}

// stockEvent is an event like Redline's.
func stockEvent(sku string, number int, cursor redline.Cursor) *model.AvailabilityEvent {
	stale := false
	return &model.AvailabilityEvent{
		Cursor: cursor.String(), Kind: model.EventKindChange, At: time.Now(), Available: &number, Stale: &stale,
		Of: &redline.InventoryLevel{
			Product:  &redline.Product{SKU: sku, Name: productName(sku)},
			Location: &redline.Location{Code: "WH-CENTRAL"},
		},
	}
}
