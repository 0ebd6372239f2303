package server

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"pgregory.net/rapid"
)

// The cache behaves as a list of the documents in the order of their last use,
// cut off where the bytes are used up.
func TestDocumentCacheKeepsWhatWasUsedLast(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.IntRange(0, 8*bytesPerDocument).Draw(t, "capacity")
		cache := newDocumentCache(capacity)
		var recent []string // the most recently used first
		docs := map[string]*ast.QueryDocument{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			text := strings.Repeat("a ", rapid.IntRange(0, 10).Draw(t, "text"))
			at := slices.Index(recent, text)
			if rapid.Bool().Draw(t, "add") {
				doc := &ast.QueryDocument{}
				cache.add(text, doc)
				if at >= 0 || documentSize(text) > capacity {
					continue
				}
				docs[text] = doc
				recent = slices.Insert(recent, 0, text)
				used := 0
				for i, kept := range recent {
					if used += documentSize(kept); used > capacity {
						recent = recent[:i]
						break
					}
				}
				continue
			}
			known := cache.get(text)
			ok := known != nil
			if ok != (at >= 0) || ok && known.doc != docs[text] {
				t.Fatalf("%q: found %t, want %t", text, ok, at >= 0)
			}
			if ok {
				recent = slices.Insert(slices.Delete(recent, at, at+1), 0, text)
			}
		}
		if cache.size > capacity || cache.recent.Len() != len(recent) || len(cache.byText) != len(recent) {
			t.Fatalf("%d bytes, %d and %d documents; want at most %d bytes and %d documents",
				cache.size, cache.recent.Len(), len(cache.byText), capacity, len(recent))
		}
	})
}

func TestDocumentCacheIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	cache := newDocumentCache(4 * bytesPerDocument)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range 500 {
				text := fmt.Sprint("a", i%10)
				if known := cache.get(text); known != nil && known.doc.Operations[0].Name != text {
					t.Errorf("%s gives %s", text, known.doc.Operations[0].Name)
				}
				cache.add(text, &ast.QueryDocument{Operations: ast.OperationList{{Name: text}}})
			}
		})
	}
	group.Wait()
}

// BenchmarkDocumentSize sets what parsing a document allocates (B/op), which is
// more than it keeps, beside what the cache counts for it.
func BenchmarkDocumentSize(b *testing.B) {
	for name, text := range map[string]string{
		"dense":  "{" + strings.Repeat("a ", 900) + "}",
		"usual":  "query($id: ID!) {" + strings.Repeat("product(id: $id) { name price { amount } } ", 60) + "}",
		"nested": strings.Repeat("{ product ", 300) + "{ id }" + strings.Repeat("}", 300),
		"small":  "{ hello }",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parser.ParseQuery(&ast.Source{Input: strings.Clone(text)}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(documentSize(text)), "counted/op")
		})
	}
}
