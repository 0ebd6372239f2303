package server

import (
	"context"
	"net/http"
	"time"
)

// Observer is told of each request. Its methods are called by many at once, and
// must not block.
type Observer interface {
	// Begin returns the context that a request is served in. It is called before
	// anything is done, and only the request's id and address are known.
	Begin(r *http.Request) context.Context
	// End is told how a request was answered, with the context that it was served in:
	// by which status, 0 where the connection was cut before there was any, and how
	// long it took. long says that it was a websocket or a stream, which last as long
	// as their clients like.
	End(ctx context.Context, r *http.Request, status int, took time.Duration, long bool)
	// Operation says which operation a request ran, by the name of its root field,
	// and what came of it; "" where that isn't known, or there was none.
	Operation(ctx context.Context) (name, outcome string)
}

// unobserved observes nothing.
type unobserved struct{}

func (unobserved) Begin(r *http.Request) context.Context                        { return r.Context() }
func (unobserved) End(context.Context, *http.Request, int, time.Duration, bool) {}
func (unobserved) Operation(context.Context) (name, outcome string)             { return "", "" }

// last notes that an answer lasts as long as its client likes.
func last(w http.ResponseWriter) {
	if r, ok := w.(*recorder); ok {
		r.long = true
	}
}
