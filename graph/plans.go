package graph

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// plansMax is how many plans are kept of one document. Each of its operations
// has one for each way in which the variables of its conditions were answered.
const plansMax = 16

// What plans take in memory at most, in bytes: those of one document, and all
// that are kept. Beyond that a plan is made for one request and not kept.
const (
	documentPlansBytes = 256 << 10
	plansBytes         = 32 << 20
)

// plans keeps the plans of documents for as long as somebody else keeps the
// documents, and there is room.
type plans struct {
	contract *contract
	// byDocument has *documentPlans by weak.Pointer[ast.QueryDocument].
	byDocument sync.Map
	// kept is how many bytes all plans take that are kept.
	kept atomic.Int64
}

// documentPlans are the plans of one document. They don't refer to it.
type documentPlans struct {
	// conditions are, for each operation by its name, the variables that decide
	// what is asked for: what is skipped or included, and whether stale stock is.
	conditions map[string][]string

	mu   sync.RWMutex
	made map[string]*plan
	// size is how many bytes they take.
	size int
}

// of returns the plan of an operation that is valid.
func (s *plans) of(op *graphql.OperationContext) *plan {
	known := s.ofDocument(op.Doc)
	var room [64]byte
	key := append(append(room[:0], op.Operation.Name...), ' ')
	for _, name := range known.conditions[op.Operation.Name] {
		answer := byte('-')
		if holds, given := op.Variables[name].(bool); holds {
			answer = '1'
		} else if given {
			answer = '0'
		}
		key = append(key, answer)
	}
	known.mu.RLock()
	p := known.made[string(key)]
	known.mu.RUnlock()
	if p != nil {
		return p
	}
	p = s.contract.compile(op.Doc, op.Operation, op.Variables)
	known.mu.Lock()
	defer known.mu.Unlock()
	if known.made[string(key)] == nil && len(known.made) < plansMax && known.size+p.size <= documentPlansBytes && s.take(p.size) {
		known.made[string(key)] = p
		known.size += p.size
	}
	runtime.KeepAlive(op.Doc) // or what was taken just now would never be given back
	return p
}

// take takes bytes for a plan; false where there are none left.
func (s *plans) take(size int) bool {
	if s.kept.Add(int64(size)) <= plansBytes {
		return true
	}
	s.kept.Add(-int64(size))
	return false
}

// forget lets go of a document's plans, once nobody has it any more.
func (s *plans) forget(key weak.Pointer[ast.QueryDocument]) {
	if known, ok := s.byDocument.Load(key); ok {
		s.kept.Add(-int64(known.(*documentPlans).size))
		s.byDocument.Delete(key)
	}
}

func (s *plans) ofDocument(doc *ast.QueryDocument) *documentPlans {
	key := weak.Make(doc)
	if known, ok := s.byDocument.Load(key); ok {
		return known.(*documentPlans)
	}
	conditions := make(map[string][]string, len(doc.Operations))
	for _, op := range doc.Operations {
		conditions[op.Name] = conditionsOf(doc, op)
	}
	known, others := s.byDocument.LoadOrStore(key, &documentPlans{conditions: conditions, made: map[string]*plan{}})
	if !others {
		runtime.AddCleanup(doc, s.forget, key)
	}
	return known.(*documentPlans)
}

// checkConditions refuses null for a variable that decides what an operation
// asks for. One with a default may be given it, and such a place takes no null.
func (s *plans) checkConditions(op *graphql.OperationContext) *gqlerror.Error {
	for _, name := range s.ofDocument(op.Doc).conditions[op.Operation.Name] {
		if v, given := op.Variables[name]; given && v == nil {
			err := gqlerror.ErrorPathf(ast.Path{ast.PathName("variable"), ast.PathName(name)}, "must not be null: it decides what is asked for")
			errcode.Set(err, errcode.ValidationFailed)
			return err
		}
	}
	return nil
}

// conditionsOf lists the variables that decide what an operation asks for: those
// in @skip and @include, and those in includeStale.
func conditionsOf(doc *ast.QueryDocument, op *ast.OperationDefinition) []string {
	var names []string
	visited := map[string]bool{}
	var walk func(ast.SelectionSet)
	add := func(arg *ast.Argument) {
		if arg != nil && arg.Value.Kind == ast.Variable && !slices.Contains(names, arg.Value.Raw) {
			names = append(names, arg.Value.Raw)
		}
	}
	note := func(directives ast.DirectiveList) {
		for _, d := range directives {
			add(d.Arguments.ForName("if"))
		}
	}
	walk = func(selections ast.SelectionSet) {
		for _, s := range selections {
			switch s := s.(type) {
			case *ast.Field:
				note(s.Directives)
				add(s.Arguments.ForName("includeStale"))
				walk(s.SelectionSet)
			case *ast.InlineFragment:
				note(s.Directives)
				walk(s.SelectionSet)
			case *ast.FragmentSpread:
				note(s.Directives)
				if !visited[s.Name] {
					visited[s.Name] = true
					walk(doc.Fragments.ForName(s.Name).SelectionSet)
				}
			}
		}
	}
	walk(op.SelectionSet)
	return names
}
