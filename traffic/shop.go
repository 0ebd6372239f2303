package traffic

import (
	"context"
	"fmt"
)

// customer is who buys.
type customer struct{ id, name, city, country string }

// customers are invented.
var customers = []customer{
	{"T-01", "Ada Brandt", "Springfield", "US"}, {"T-02", "Bruno Costa", "Porto", "PT"}, {"T-03", "Chloe Martin", "Lyon", "FR"},
	{"T-04", "Dmitri Orlov", "Riga", "LV"}, {"T-05", "Eva Lindqvist", "Uppsala", "SE"}, {"T-06", "Farid Haddad", "Leeds", "GB"},
	{"T-07", "Grace Okafor", "Austin", "US"}, {"T-08", "Hugo Keller", "Bern", "CH"}, {"T-09", "Ines Moreno", "Sevilla", "ES"},
	{"T-10", "Jonas Weber", "Bremen", "DE"}, {"T-11", "Keiko Tanaka", "Osaka", "JP"}, {"T-12", "Liam Byrne", "Cork", "IE"},
	{"T-13", "Mara Novak", "Brno", "CZ"}, {"T-14", "Nils Hansen", "Aarhus", "DK"}, {"T-15", "Olivia Reed", "Boise", "US"},
	{"T-16", "Paolo Ricci", "Torino", "IT"},
}

var (
	placeOrder = mutation{"orderPlace", "OrderPlaceInput", "order { id }"}
	reserve    = mutation{"reservationCreate", "ReservationCreateInput", "reservation { id }"}
)

// cartSeconds is for how long a cart holds its stock.
const cartSeconds = 120

// buy has a customer buy a few things: at once, or by a cart that some of them leave.
// A few ask for more than there is, and some wait for what isn't there.
func (s *simulation) buy(ctx context.Context) (Kind, error) {
	who := customers[s.random.IntN(len(customers))]
	places, lines := s.basket()
	order := map[string]any{
		"externalReference": fmt.Sprintf("%s-%d", s.run, s.tick),
		"customer":          map[string]any{"id": who.id, "name": who.name},
		"shipTo":            map[string]any{"name": who.name, "lines": []string{fmt.Sprintf("%d Main Street", s.between(1, 200))}, "city": who.city, "country": who.country},
	}
	switch draw := s.random.Float64(); {
	case draw < 0.04: // somebody's finger slipped
		at := places[0]
		lines[0]["quantity"] = 3*s.world.products[at].stock + 1000
		order["lines"] = lines
	case draw < 0.19:
		var held struct{ Reservation *struct{ ID string } }
		if err := s.change(ctx, shop, reserve, map[string]any{"lines": lines, "ttlSeconds": cartSeconds}, &held); err != nil {
			return Cart, err
		}
		if held.Reservation == nil {
			return Cart, errMissing
		}
		if s.chance(0.2) {
			return Cart, nil
		}
		order["reservationId"] = held.Reservation.ID
	default:
		order["lines"], order["allowBackorder"] = lines, s.chance(0.3)
	}
	var placed struct{ Order *struct{ ID string } }
	err := s.change(ctx, shop, placeOrder, order, &placed)
	// Bought or not there: somebody should look whether enough is left.
	s.noteSold(places)
	if err != nil {
		return Order, err
	}
	if placed.Order == nil {
		return Order, errMissing
	}
	s.latest = placed.Order.ID
	s.errands.add(&errand{order: placed.Order.ID, own: true}, s.tick+s.between(5, 40))
	return Order, nil
}

// basket draws one to four products and how many of each.
func (s *simulation) basket() (places []int, lines []map[string]any) {
	in := map[int]bool{}
	for range s.between(1, 4) {
		at := s.draw()
		if in[at] {
			continue
		}
		in[at] = true
		quantity := s.between(1, 3)
		if s.chance(0.15) {
			quantity = s.between(4, 12)
		}
		places = append(places, at)
		lines = append(lines, map[string]any{"productId": s.world.products[at].id, "quantity": quantity})
	}
	return places, lines
}

// draw draws a product, popular ones more often.
func (s *simulation) draw() int {
	w := &s.world
	if len(w.own) == 0 || len(w.supplied) > 0 && s.chance(0.4) {
		return w.supplied[w.popularSupplied.Uint64()]
	}
	return w.own[w.popularOwn.Uint64()]
}

// noteSold remembers products for the warehouses to look after; there are as many
// as products at most.
func (s *simulation) noteSold(places []int) {
	for _, at := range places {
		if !s.isSold[at] {
			s.isSold[at] = true
			s.sold = append(s.sold, at)
		}
	}
}

const queryBrowse = `query TrafficBrowse($category: [String!]) { products(first: 12, filter: { category: $category, inStock: true }) {
	nodes { sku name price { amount currency } availability { available } } } }`

// browse looks at a page of the shop.
func (s *simulation) browse(ctx context.Context) (Kind, error) {
	category := s.world.products[s.draw()].category
	var answer struct{ Products *struct{} }
	return Browse, s.Gateway.Ask(ctx, shop, queryBrowse, map[string]any{"category": []string{category}}, &answer)
}

var cancelOrder = mutation{"orderCancel", "OrderCancelInput", ""}

// cancel has the customer who bought last change its mind.
func (s *simulation) cancel(ctx context.Context) (Kind, error) {
	order := s.latest
	s.latest = ""
	return Cancel, s.change(ctx, shop, cancelOrder, map[string]any{"orderId": order, "reason": "changed my mind"}, nil)
}

// maxDelivered is how many orders are remembered of which something may come back.
const maxDelivered = 200

// noteDelivered remembers an order of which something may come back.
func (s *simulation) noteDelivered(e *errand) {
	if !e.own {
		return
	}
	if len(s.delivered) == maxDelivered {
		s.delivered = append(s.delivered[:0], s.delivered[1:]...)
	}
	s.delivered = append(s.delivered, e.order)
}

const queryLines = `query TrafficReturn($id: ID!) { order(by: { id: $id }) { lines { id shipped returned } } }`

var createReturn = mutation{"returnCreate", "ReturnCreateInput", "return { id lines { id quantity } }"}

// sendBack has a customer send a part of what it got back.
func (s *simulation) sendBack(ctx context.Context) (Kind, error) {
	at := s.random.IntN(len(s.delivered))
	order := s.delivered[at]
	s.delivered = append(s.delivered[:at], s.delivered[at+1:]...) // once is enough
	var answer struct {
		Order *struct {
			Lines []struct {
				ID                string
				Shipped, Returned int
			}
		}
	}
	if err := s.Gateway.Ask(ctx, shop, queryLines, map[string]any{"id": order}, &answer); err != nil {
		return Return, err
	}
	if answer.Order == nil {
		return Idle, nil
	}
	for _, l := range answer.Order.Lines {
		left := l.Shipped - l.Returned
		if left < 1 {
			continue
		}
		var made struct {
			Return *struct {
				ID    string
				Lines []struct {
					ID       string
					Quantity int
				}
			}
		}
		input := map[string]any{
			"orderId": order, "reason": "doesn't fit", "lines": []any{map[string]any{"orderLineId": l.ID, "quantity": s.between(1, left)}},
		}
		if err := s.change(ctx, shop, createReturn, input, &made); err != nil {
			return Return, err
		}
		if made.Return == nil || len(made.Return.Lines) == 0 {
			return Return, errMissing
		}
		line := made.Return.Lines[0]
		s.errands.add(&errand{order: order, own: true, back: &comingBack{made.Return.ID, line.ID, line.Quantity}}, s.tick+s.between(50, 150))
		return Return, nil
	}
	return Idle, nil
}
