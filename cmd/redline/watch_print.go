package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The kinds of events that are no changes.
const (
	kindSnapshot = "SNAPSHOT"
	kindCaughtUp = "CAUGHT_UP"
)

// telling is one answer of a subscription.
type telling struct {
	Data       struct{ Change *change }
	Errors     []struct{ Message string }
	Extensions struct{ Cursor string }
}

func readTelling(payload json.RawMessage) (telling, error) {
	var t telling
	if err := json.Unmarshal(payload, &t); err != nil {
		return t, fmt.Errorf("reading a change: %w", err)
	}
	return t, nil
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
		Status  string
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

// String is the change as a line for people.
func (e *change) String() string {
	words := []string{e.At.Format("15:04:05.000")}
	if e.Kind != "CHANGE" {
		words = append(words, e.Kind)
	}
	switch {
	case e.Order != nil:
		words = append(words, e.order()...)
	case e.Conflict != nil:
		words = append(words, e.conflict()...)
	case e.Level != nil:
		words = append(words, e.level()...)
	case e.Product != nil && e.Location != nil && e.Available != nil:
		words = append(words, fmt.Sprintf("%s at %s: %d available", e.Product.SKU, e.Location.Code, *e.Available))
	}
	return strings.Join(words, " ")
}

func (e *change) order() []string {
	o := e.Order
	words := []string{fmt.Sprintf("order %s v%d:", o.Number, o.Version)}
	switch {
	case e.To == "": // in a snapshot it goes nowhere
		words = append(words, o.Status)
	case e.From == "":
		words = append(words, "placed →", e.To)
	default:
		words = append(words, e.From, "→", e.To)
	}
	if f := e.FulfillmentOrder; f != nil {
		words = append(words, fmt.Sprintf("(%s at %s is %s)", f.ID, f.Location.Code, f.Status))
	}
	return words
}

func (e *change) conflict() []string {
	c := e.Conflict
	words := []string{fmt.Sprintf("%s v%d %s: %s", c.ID, c.Version, c.Status, c.Kind)}
	if c.Supplier != nil {
		words = append(words, "("+c.Supplier.Code+")")
	}
	words = append(words, c.Summary)
	if c.Resolution != nil {
		words = append(words, "→", *c.Resolution)
	}
	return words
}

func (e *change) level() []string {
	l := e.Level
	words := []string{fmt.Sprintf("%s at %s v%d: %d on hand, %d available, %d committed",
		l.Product.SKU, l.Location.Code, l.Version, l.OnHand, l.Available, l.Committed)}
	if e.Reason != "" {
		words[0] += ";"
		words = append(words, e.Reason)
	}
	for _, ch := range e.Changes {
		words = append(words, fmt.Sprintf("%s %+d", ch.State, ch.Delta))
	}
	return words
}
