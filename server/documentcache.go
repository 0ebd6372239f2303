package server

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// What a cached document takes in memory beside its text, at most. A field is
// a node of some 230 bytes with its position, and mostly several tokens, so
// that a usual document takes, with its prices, half of what is counted for it.
const (
	bytesPerDocument = 1536
	bytesPerToken    = 256
)

func documentSize(text string) int {
	return bytesPerDocument + len(text) + bytesPerToken*countTokens(text)
}

// documentCache keeps valid documents by their text, and by the hash where
// somebody asked with that, those used last, within a number of bytes. It is safe
// for concurrent use. The documents in it are shared and must not be changed.
type documentCache struct {
	capacity int

	mu     sync.Mutex
	size   int
	byText map[string]*list.Element
	byHash map[string]*list.Element
	recent *list.List // of *cachedDocument, the most recently used first
}

type cachedDocument struct {
	text string
	doc  *ast.QueryDocument
	size int
	// introspects says that it asks for what the schema says of itself, which isn't
	// valid for everybody.
	introspects bool
	// prices is what its operations cost, nil until somebody wants to know.
	prices atomic.Pointer[priceList]
	// hash is what it is known by, "" until somebody asked with that. The cache's mu
	// guards it.
	hash string
}

func newDocumentCache(capacity int) *documentCache {
	return &documentCache{
		capacity: capacity, byText: map[string]*list.Element{}, byHash: map[string]*list.Element{}, recent: list.New(),
	}
}

// get returns the document with this very text, nil where it isn't there.
func (c *documentCache) get(text string) *cachedDocument {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.use(c.byText[text])
}

// hashed returns the document that is known by this hash, nil where none is.
func (c *documentCache) hashed(hash string) *cachedDocument {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.use(c.byHash[hash])
}

func (c *documentCache) use(element *list.Element) *cachedDocument {
	if element == nil {
		return nil
	}
	c.recent.MoveToFront(element)
	return element.Value.(*cachedDocument)
}

// name has a document known by its hash as well, if it is there.
func (c *documentCache) name(text, hash string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, ok := c.byText[text]; ok {
		element.Value.(*cachedDocument).hash = hash
		c.byHash[hash] = element
	}
}

// add keeps a document, and lets go of those that were not used for longest
// until all fit. One that would not fit by itself is not kept.
func (c *documentCache) add(text string, doc *ast.QueryDocument) {
	size := documentSize(text)
	if size > c.capacity {
		return
	}
	kept := &cachedDocument{text: text, doc: doc, size: size, introspects: introspects(doc)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, already := c.byText[text]; already {
		return
	}
	c.byText[text] = c.recent.PushFront(kept)
	c.size += size
	for c.size > c.capacity {
		oldest := c.recent.Remove(c.recent.Back()).(*cachedDocument)
		delete(c.byText, oldest.text)
		delete(c.byHash, oldest.hash)
		c.size -= oldest.size
	}
}

// documentView is the cache as an executor sees it: one without introspection
// doesn't find what introspects, and so refuses it like any other time.
type documentView struct {
	*documentCache
	introspection bool
}

var _ graphql.Cache[*ast.QueryDocument] = documentView{}

// Get returns the document with this very text, if it is there.
func (v documentView) Get(ctx context.Context, text string) (*ast.QueryDocument, bool) {
	known := foundFor(graphql.GetOperationContext(ctx), text)
	if known == nil {
		known = v.get(text)
	}
	if known == nil || known.introspects && !v.introspection {
		return nil, false
	}
	return known.doc, true
}

// foundFor returns the document with this very text that was found already for an
// operation, so that the cache, which is locked for all, isn't asked again.
func foundFor(operation *graphql.OperationContext, text string) *cachedDocument {
	known, _ := operation.Stats.GetExtension(statsDocument).(*cachedDocument)
	if known == nil || known.text != text {
		return nil
	}
	return known
}

// Add keeps a document that is valid.
func (v documentView) Add(_ context.Context, text string, doc *ast.QueryDocument) { v.add(text, doc) }

// introspects reports whether a document asks for what the schema says of itself.
// Only the root has these fields, so that no field's selections are looked into.
func introspects(doc *ast.QueryDocument) bool {
	var within func(ast.SelectionSet) bool
	within = func(set ast.SelectionSet) bool {
		for _, selection := range set {
			switch selection := selection.(type) {
			case *ast.Field:
				if isIntrospection(selection.Name) {
					return true
				}
			case *ast.InlineFragment:
				if within(selection.SelectionSet) {
					return true
				}
			}
		}
		return false
	}
	for _, operation := range doc.Operations {
		if within(operation.SelectionSet) {
			return true
		}
	}
	for _, fragment := range doc.Fragments {
		if within(fragment.SelectionSet) {
			return true
		}
	}
	return false
}

// isIntrospection reports whether a field lays the schema open. __typename tells
// nothing that who asks doesn't know.
func isIntrospection(field string) bool { return field == "__schema" || field == "__type" }
