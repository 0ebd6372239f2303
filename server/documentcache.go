package server

import (
	"container/list"
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// What a cached document takes in memory beside its text, at most. A field is
// a node of some 230 bytes with its position, and mostly several tokens, so
// that a usual document takes a third to a half of what is counted for it.
const (
	bytesPerDocument = 1024
	bytesPerToken    = 256
)

func documentSize(text string) int {
	return bytesPerDocument + len(text) + bytesPerToken*countTokens(text)
}

// documentCache keeps valid documents by their text, those used last, within a
// number of bytes. It is safe for concurrent use. The documents in it are
// shared and must not be changed.
type documentCache struct {
	capacity int

	mu     sync.Mutex
	size   int
	byText map[string]*list.Element
	recent *list.List // of *cachedDocument, the most recently used first
}

type cachedDocument struct {
	text string
	doc  *ast.QueryDocument
	size int
}

var _ graphql.Cache[*ast.QueryDocument] = (*documentCache)(nil)

func newDocumentCache(capacity int) *documentCache {
	return &documentCache{capacity: capacity, byText: map[string]*list.Element{}, recent: list.New()}
}

// Get returns the document with this very text, if it is there.
func (c *documentCache) Get(_ context.Context, text string) (*ast.QueryDocument, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.byText[text]
	if !ok {
		return nil, false
	}
	c.recent.MoveToFront(element)
	return element.Value.(*cachedDocument).doc, true
}

// Add keeps a document, and lets go of those that were not used for longest
// until all fit. One that would not fit by itself is not kept.
func (c *documentCache) Add(_ context.Context, text string, doc *ast.QueryDocument) {
	size := documentSize(text)
	if size > c.capacity {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, already := c.byText[text]; already {
		return
	}
	c.byText[text] = c.recent.PushFront(&cachedDocument{text: text, doc: doc, size: size})
	c.size += size
	for c.size > c.capacity {
		oldest := c.recent.Remove(c.recent.Back()).(*cachedDocument)
		delete(c.byText, oldest.text)
		c.size -= oldest.size
	}
}
