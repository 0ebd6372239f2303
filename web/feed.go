package web

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"redline"
)

// maxDocument is the longest document of a feed that is read, in bytes: about what one
// feed of the most rows has, and as much as any other body may have.
const maxDocument = 4 << 20

// Document is what a supplier's document says of its stock.
type Document struct {
	// Measure and AsOf are nil where the document doesn't say.
	Measure *redline.FeedMeasure `json:"measure"`
	AsOf    *time.Time           `json:"asOf"`
	// Test says that the document calls itself a test, not to be acted on.
	Test bool `json:"test"`
	// Rows are those of the contract's SupplierFeedRow, and Places where each stands, for
	// people to read.
	Rows   []redline.SupplierFeedRow `json:"rows"`
	Places []string                  `json:"places"`
}

// Problem is one thing that is wrong with a document: where, and what.
type Problem struct {
	Place   string `json:"place"`
	Where   string `json:"where"`
	Message string `json:"message"`
}

// Unreadable is all that is wrong with a document, in its order.
type Unreadable struct {
	Problems []Problem
	// More says that there are others.
	More bool
}

// Error says how many problems there are.
func (u *Unreadable) Error() string {
	return fmt.Sprintf("%d problems in a document", len(u.Problems))
}

// Reader reads a document in a format. What is wrong with the document is an *Unreadable,
// and ErrFormat a format that there isn't; any other error is one of reading it.
type Reader func(format string, document io.Reader) (*Document, error)

// ErrFormat is told of by a Reader that doesn't know a format.
var ErrFormat = errors.New("no such format")

// maxReading is how many documents are read at a time: a row takes hundreds of bytes until
// it is sent.
const maxReading = 2

// feeds reads the documents of those who may send feeds, and keeps nothing of them.
type feeds struct {
	read    Reader
	reading chan struct{}
	log     *slog.Logger
}

func newFeeds(o Options) *feeds {
	return &feeds{read: o.Read, reading: make(chan struct{}, maxReading), log: o.Log}
}

// ServeHTTP answers POST of a document, whose format the query names, with its rows.
func (f *feeds) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		refuse(w, r, methodNotAllowed("POST", "a document is sent by POST"))
		return
	}
	if refused := mayFeed(redline.PrincipalFrom(r.Context())); refused != nil {
		refuse(w, r, *refused)
		return
	}
	select {
	case f.reading <- struct{}{}:
		defer func() { <-f.reading }()
	default:
		refuse(w, r, refusal{
			status: http.StatusServiceUnavailable, code: string(redline.CodeUnavailable), message: "other documents are being read: try again",
			header: http.Header{"Retry-After": {"1"}},
		})
		return
	}
	document, err := f.read(r.URL.Query().Get("format"), http.MaxBytesReader(w, r.Body, maxDocument))
	var unreadable *Unreadable
	var long *http.MaxBytesError
	switch {
	case err == nil:
		answer(w, http.StatusOK, document)
	case errors.As(err, &long):
		refuse(w, r, refusal{
			status: http.StatusRequestEntityTooLarge, code: "PAYLOAD_TOO_LARGE",
			message: fmt.Sprintf("a document may have %d bytes here: redline feed takes more", int(maxDocument)),
		})
	case errors.As(err, &unreadable):
		answer(w, http.StatusUnprocessableEntity, map[string]any{"problems": unreadable.Problems, "more": unreadable.More})
	case errors.Is(err, ErrFormat):
		refuse(w, r, badRequest("format is csv, jsonl or x12"))
	default:
		f.log.LogAttrs(r.Context(), slog.LevelInfo, "a document could not be read", slog.String("reason", err.Error()))
		refuse(w, r, badRequest("the document could not be read to its end"))
	}
}

// mayFeed says why somebody may not have a document read, or nil: who may send no feed is
// not worked for.
func mayFeed(principal redline.Principal) *refusal {
	var refused refusal
	switch {
	case !principal.Authenticated():
		refused = refusal{status: http.StatusUnauthorized, code: string(redline.CodeUnauthenticated), message: "a document is read for a token"}
		refused.header = http.Header{"Www-Authenticate": {"Bearer"}}
	case !principal.Has(redline.ScopeInventoryWrite):
		refused = forbidden("this takes the scope " + redline.ScopeInventoryWrite)
		// RFC 6750 §3.1.
		refused.header = http.Header{"Www-Authenticate": {`Bearer error="insufficient_scope", scope="` + redline.ScopeInventoryWrite + `"`}}
	default:
		return nil
	}
	return &refused
}
