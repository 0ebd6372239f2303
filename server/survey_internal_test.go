package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/lexer"
	"github.com/vektah/gqlparser/v2/parser"
	"pgregory.net/rapid"
)

// drawDocument writes a document of a few operations and fragments. A fragment
// spreads only later ones, unless cycles are allowed.
func drawDocument(t *rapid.T, cycles bool) string {
	fragments := rapid.IntRange(0, 5).Draw(t, "fragments")
	var text strings.Builder
	var set func(depth, from int)
	directives := func() string { return strings.Repeat(" @x", rapid.IntRange(0, 2).Draw(t, "directives")) }
	set = func(depth, from int) {
		text.WriteString("{")
		for range rapid.IntRange(1, 3).Draw(t, "selections") {
			kind := rapid.IntRange(0, 4).Draw(t, "kind")
			switch {
			case kind == 0 && depth > 0:
				text.WriteString(" ..." + directives())
				set(depth-1, from)
			case kind == 1 && from < fragments:
				fmt.Fprintf(&text, " ...f%d%s", rapid.IntRange(from, fragments-1).Draw(t, "spread"), directives())
			default:
				if rapid.Bool().Draw(t, "aliased") {
					text.WriteString(" z:")
				}
				fmt.Fprintf(&text, " %c%s", 'a'+rune(rapid.IntRange(0, 3).Draw(t, "name")), directives())
				if kind == 2 && depth > 0 {
					set(depth-1, from)
				}
			}
		}
		text.WriteString("}")
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "operations") {
		fmt.Fprintf(&text, "query q%d%s ", i, directives())
		set(3, 0)
	}
	for i := range fragments {
		fmt.Fprintf(&text, "fragment f%d on T%s ", i, directives())
		if cycles {
			set(2, 0)
		} else {
			set(2, i+1)
		}
	}
	return text.String()
}

// writtenOut counts as Limits says, with no memory: a fragment is walked anew
// at each spread.
type writtenOut struct {
	doc                                          *ast.QueryDocument
	depth, root, aliases, directives, selections int
}

func (w *writtenOut) walk(set ast.SelectionSet, depth int) {
	for _, selection := range set {
		w.selections++
		switch selection := selection.(type) {
		case *ast.Field:
			w.depth = max(w.depth, depth)
			if depth == 1 {
				w.root++
			}
			if selection.Alias != selection.Name {
				w.aliases++
			}
			w.directives += len(selection.Directives)
			w.walk(selection.SelectionSet, depth+1)
		case *ast.InlineFragment:
			w.directives += len(selection.Directives)
			w.walk(selection.SelectionSet, depth)
		case *ast.FragmentSpread:
			definition := w.doc.Fragments.ForName(selection.Name)
			w.directives += len(selection.Directives) + len(definition.Directives)
			w.walk(definition.SelectionSet, depth)
		}
	}
}

// unlimited is a Limits that everything is within but one.
func unlimited(mend func(*Limits)) Limits {
	const all = 1 << 40
	l := Limits{all, all, all, all, all, all, all, all, all, all}
	mend(&l)
	return l
}

// With its memory the survey comes to the same as without.
func TestSurveyCountsAsWrittenOut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		doc, err := parser.ParseQuery(&ast.Source{Input: drawDocument(t, false)})
		if err != nil {
			t.Fatal(err)
		}
		var most writtenOut
		count := func(set ast.SelectionSet, directives ast.DirectiveList, operation bool) {
			one := writtenOut{doc: doc, directives: len(directives)}
			one.walk(set, 1)
			if operation {
				most.root = max(most.root, one.root)
			}
			most.depth, most.aliases = max(most.depth, one.depth), max(most.aliases, one.aliases)
			most.directives, most.selections = max(most.directives, one.directives), max(most.selections, one.selections)
		}
		for _, operation := range doc.Operations {
			count(operation.SelectionSet, operation.Directives, true)
		}
		for _, fragment := range doc.Fragments {
			count(fragment.SelectionSet, fragment.Directives, false)
		}
		for name, limit := range map[string]struct {
			value int
			set   func(*Limits, int)
		}{
			"depth":      {most.depth, func(l *Limits, n int) { l.Depth = n }},
			"rootFields": {most.root, func(l *Limits, n int) { l.RootFields = n }},
			"aliases":    {most.aliases, func(l *Limits, n int) { l.Aliases = n }},
			"directives": {most.directives, func(l *Limits, n int) { l.Directives = n }},
			"selections": {most.selections, func(l *Limits, n int) { l.Selections = n }},
		} {
			if err := checkDocument(doc, unlimited(func(l *Limits) { limit.set(l, limit.value) })); err != nil {
				t.Errorf("%s of %d is refused: %v", name, limit.value, err)
			}
			err := checkDocument(doc, unlimited(func(l *Limits) { limit.set(l, limit.value-1) }))
			if err == nil || err.Extensions["limit"] != name || err.Extensions["value"] != limit.value {
				t.Errorf("%s of %d, with one less allowed: %v", name, limit.value, err)
			}
		}
	})
}

// reaches reports whether spreads lead from a fragment to another.
func reaches(doc *ast.QueryDocument, from ast.SelectionSet, to string, seen map[string]bool) bool {
	for _, selection := range from {
		switch selection := selection.(type) {
		case *ast.Field:
			if reaches(doc, selection.SelectionSet, to, seen) {
				return true
			}
		case *ast.InlineFragment:
			if reaches(doc, selection.SelectionSet, to, seen) {
				return true
			}
		case *ast.FragmentSpread:
			if selection.Name == to {
				return true
			}
			if !seen[selection.Name] {
				seen[selection.Name] = true
				if reaches(doc, doc.Fragments.ForName(selection.Name).SelectionSet, to, seen) {
					return true
				}
			}
		}
	}
	return false
}

func TestSurveyFindsEveryCycle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		doc, err := parser.ParseQuery(&ast.Source{Input: drawDocument(t, true)})
		if err != nil {
			t.Fatal(err)
		}
		cyclic := false
		for _, fragment := range doc.Fragments {
			cyclic = cyclic || reaches(doc, fragment.SelectionSet, fragment.Name, map[string]bool{})
		}
		if refusal := checkDocument(doc, unlimited(func(*Limits) {})); (refusal != nil) != cyclic {
			t.Errorf("cyclic: %t; refusal: %v", cyclic, refusal)
		}
	})
}

// The parser refuses more tokens than it is allowed; so the count must be one
// that it takes, and one less one that it doesn't.
func TestTokensAreCountedAsTheParserDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := drawDocument(t, false) + rapid.SampledFrom([]string{"", " ", "#", "#a\n#b\n", ",,,", "\ufeff"}).Draw(t, "tail")
		count := countTokens(text)
		if _, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, count); err != nil {
			t.Errorf("%d tokens: %v", count, err)
		}
		if _, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, count-1); err == nil {
			t.Errorf("%d tokens pass for one less", count)
		}
	})
	if count := countTokens(`{ a ? b }`); count != 2 {
		t.Errorf("%d tokens before what is none", count)
	}
	if lexer.EOF == lexer.Invalid {
		t.Error("the end is not to be told from what is no token")
	}
}

// BenchmarkAdmit is what guarding costs, once for each new document, for one of
// nearly as many tokens as are allowed.
func BenchmarkAdmit(b *testing.B) {
	limits := unlimited(func(l *Limits) { l.Tokens = DefaultLimits().Tokens })
	text := "{" + strings.Repeat("user(id: 1) { name friend { id } } ", 70) + "}"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := limits.admit(text); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(countTokens(text)), "tokens")
}
