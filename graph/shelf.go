package graph

import (
	"maps"
	"sync"

	"redline"
)

// shelf keeps pages that the suppliers of an answer have, of one kind of thing: no
// supplier has a place for them, since each may be asked for several.
type shelf[T any] struct {
	mu   sync.Mutex
	kept map[pageKey]*pages[T]
}

// pageKey is what tells two requests for pages apart. Root fields share none: what is
// asked of the items is filled into them, and root fields run at the same time.
type pageKey struct {
	root                      *field
	hasFirst, hasAfter, count bool
	first                     int
	after                     string
}

func pageKeyOf(root *field, page redline.PageRequest) pageKey {
	k := pageKey{root: root, hasFirst: page.First != nil, hasAfter: page.After != nil, count: page.Count}
	if k.hasFirst {
		k.first = *page.First
	}
	if k.hasAfter {
		k.after = *page.After
	}
	return k
}

// pages are those of one request by their suppliers, or why the request is refused:
// then that is for the fields to say, each at its place.
type pages[T any] struct {
	of      map[string]*redline.Page[T]
	refused error
}

// keep keeps what was read for the fields that show it.
func (s *shelf[T]) keep(k pageKey, read pages[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		s.kept = map[pageKey]*pages[T]{}
	}
	kept := s.kept[k]
	if kept == nil || read.refused != nil {
		s.kept[k] = &read
		return
	}
	maps.Copy(kept.of, read.of)
}

// page returns a page that was kept, or why it is refused; neither where it wasn't
// read yet.
func (s *shelf[T]) page(k pageKey, supplierID string) (page *redline.Page[T], refused error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.kept[k]; kept != nil {
		return kept.of[supplierID], kept.refused
	}
	return nil, nil
}

// adopt takes over what another keeps, to which nobody adds any more.
func (s *shelf[T]) adopt(prepared *shelf[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = prepared.kept
}
