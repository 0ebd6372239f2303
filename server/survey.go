package server

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"

	"github.com/99designs/gqlgen/graphql/errcode"
)

// mostCounted is where counting stops: fragments within fragments double with
// each, and would overflow an int.
const mostCounted = 1_000_000_000

// extent is what a selection set comes to with its fragments written out.
type extent struct {
	depth      int
	rootFields int
	aliases    int
	directives int
	selections int
}

// add counts another part of the same selection set.
func (c *extent) add(other extent) {
	c.depth = max(c.depth, other.depth)
	c.rootFields = min(c.rootFields+other.rootFields, mostCounted)
	c.aliases = min(c.aliases+other.aliases, mostCounted)
	c.directives = min(c.directives+other.directives, mostCounted)
	c.selections = min(c.selections+other.selections, mostCounted)
}

// beneath is what the set counts for as the set of one field.
func (c extent) beneath() extent {
	c.depth++
	c.rootFields = 0
	return c
}

// survey measures a document. It visits each selection of the text once: what
// a fragment comes to is remembered, however often it is spread. So it takes
// time in proportion to the text, whatever the text expands to.
type survey struct {
	fragments map[string]*ast.FragmentDefinition
	extents   map[string]extent
	visiting  map[string]bool
	repeats   int
	// cycle is a spread that leads back into its own fragment.
	cycle *ast.FragmentSpread
}

// checkDocument refuses a document that exceeds a limit, or whose fragments
// contain themselves. It does not validate; what it doesn't understand it
// leaves to the validator, which is then safe to run.
func checkDocument(doc *ast.QueryDocument, limits Limits) *gqlerror.Error {
	if err := check(
		bound{"operations", "operations", len(doc.Operations), limits.Operations},
		bound{"fragments", "fragments", len(doc.Fragments), limits.Fragments},
	); err != nil {
		return err
	}
	s := &survey{
		fragments: make(map[string]*ast.FragmentDefinition, len(doc.Fragments)),
		extents:   make(map[string]extent, len(doc.Fragments)),
		visiting:  make(map[string]bool, len(doc.Fragments)),
	}
	for _, fragment := range doc.Fragments {
		if _, twice := s.fragments[fragment.Name]; !twice {
			s.fragments[fragment.Name] = fragment
		}
	}
	var most extent
	for _, operation := range doc.Operations {
		whole := extent{directives: len(operation.Directives)}
		for _, variable := range operation.VariableDefinitions {
			whole.directives += len(variable.Directives)
		}
		whole.add(s.selectionSet(operation.SelectionSet))
		most = larger(most, whole)
	}
	// The validator walks fragments that nobody spreads as well.
	for _, fragment := range doc.Fragments {
		unspread := s.fragment(fragment.Name)
		unspread.rootFields = 0
		most = larger(most, unspread)
	}
	if s.cycle != nil {
		err := gqlerror.ErrorPosf(s.cycle.Position, "a fragment spreads itself, directly or through others")
		errcode.Set(err, errcode.ValidationFailed)
		return err
	}
	return check(
		bound{"depth", "levels of fields within fields", most.depth, limits.Depth},
		bound{"rootFields", "root fields", most.rootFields, limits.RootFields},
		bound{"aliases", "aliases", most.aliases, limits.Aliases},
		bound{"directives", "directives", most.directives, limits.Directives},
		bound{"selections", "selections", most.selections, limits.Selections},
		bound{"repeats", "repeated fields", s.repeats, limits.Repeats},
	)
}

func larger(a, b extent) extent {
	return extent{
		depth:      max(a.depth, b.depth),
		rootFields: max(a.rootFields, b.rootFields),
		aliases:    max(a.aliases, b.aliases),
		directives: max(a.directives, b.directives),
		selections: max(a.selections, b.selections),
	}
}

func (s *survey) selectionSet(set ast.SelectionSet) extent {
	return s.selections(set, make(map[string]bool, len(set)))
}

// selections measures one pair of braces, or an inline fragment's within it.
// seen has the response names so far.
func (s *survey) selections(set ast.SelectionSet, seen map[string]bool) extent {
	var total extent
	for _, selection := range set {
		one := extent{selections: 1}
		switch selection := selection.(type) {
		case *ast.Field:
			if seen[selection.Alias] {
				s.repeats++
			}
			seen[selection.Alias] = true
			if len(selection.SelectionSet) > 0 {
				one.add(s.selectionSet(selection.SelectionSet))
			}
			one = one.beneath()
			one.rootFields = 1
			one.directives += len(selection.Directives)
			if selection.Alias != selection.Name {
				one.aliases++
			}
		case *ast.InlineFragment:
			one.directives = len(selection.Directives)
			one.add(s.selections(selection.SelectionSet, seen))
		case *ast.FragmentSpread:
			one.directives = len(selection.Directives)
			if s.visiting[selection.Name] {
				s.cycle = selection
			} else {
				one.add(s.fragment(selection.Name))
			}
		}
		total.add(one)
	}
	return total
}

// fragment measures a fragment, once. An unknown one counts nothing.
func (s *survey) fragment(name string) extent {
	if known, ok := s.extents[name]; ok {
		return known
	}
	definition, ok := s.fragments[name]
	if !ok {
		return extent{}
	}
	s.visiting[name] = true
	total := extent{directives: len(definition.Directives)}
	total.add(s.selectionSet(definition.SelectionSet))
	delete(s.visiting, name)
	s.extents[name] = total
	return total
}

// countTokens counts as the parser does. It stops where the text is not
// GraphQL any more: the parser will say so.
func countTokens(query string) int {
	scanner := lexer.New(&ast.Source{Input: query})
	for count := 0; ; count++ {
		token, err := scanner.ReadToken()
		if err != nil || token.Kind == lexer.EOF {
			return count
		}
	}
}
