package live

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"redline"
)

// groupKey names a live operation as those see it who may see the same: two
// with one key get the same answers, to the byte.
type groupKey [sha256.Size]byte

// keyOf returns the key of a subscription for a principal. It is made of what
// the operation asks for, as the document says it and with the values of the
// variables that it uses, without the root field's after, snapshot and delivery;
// and of what decides what the principal may see and do, which is never its
// token.
func keyOf(x *execution, p redline.Principal) (groupKey, error) {
	w := keyWriter{hash: sha256.New(), variables: x.operation.Variables}
	w.principal(p)
	w.selections(x.operation.Operation.SelectionSet, true)
	// What is spread, once each, in the order in which it is met.
	for i := 0; i < len(w.fragments); i++ {
		f := x.operation.Doc.Fragments.ForName(w.fragments[i].name)
		w.text("fragment", f.TypeCondition)
		w.selections(f.SelectionSet, w.fragments[i].root)
	}
	if w.err != nil {
		return groupKey{}, fmt.Errorf("naming a live operation: %w", w.err)
	}
	return groupKey(w.hash.Sum(nil)), nil
}

// joining are the arguments of a subscription's root field that say how one
// reader comes in, and nothing of what is told.
var joining = []string{"after", "snapshot", "delivery"}

// keyWriter writes a key. Each part comes with its length, so that no two things
// are written alike.
type keyWriter struct {
	hash      hash.Hash
	variables map[string]any
	// fragments are those that were spread so far.
	fragments []spread
	err       error
}

// spread is a fragment by its name. One that has the root field is spread at the
// root alone: nothing else has the type.
type spread struct {
	name string
	root bool
}

// text writes words.
func (w *keyWriter) text(words ...string) {
	var size [binary.MaxVarintLen64]byte
	for _, s := range words {
		w.hash.Write(size[:binary.PutUvarint(size[:], uint64(len(s)))]) // a hash takes everything
		w.hash.Write([]byte(s))
	}
}

// principal writes whose eyes are looking. A shop sees the orders that its own
// subject placed, and a customer its own with one issuer: to both the issuer
// counts.
func (w *keyWriter) principal(p redline.Principal) {
	w.text(string(p.Role), fmt.Sprint(p.Authenticated()))
	for _, list := range [][]string{p.Scopes, p.Suppliers} {
		list = slices.Compact(slices.Sorted(slices.Values(list)))
		w.text(fmt.Sprint(len(list)))
		w.text(list...)
	}
	w.text(p.Customer)
	switch p.Role {
	case redline.RoleStorefront:
		w.text(p.Issuer, p.Subject)
	case redline.RoleCustomer:
		w.text(p.Issuer)
	}
}

// selections writes what is asked of an object.
func (w *keyWriter) selections(set ast.SelectionSet, root bool) {
	w.text("{")
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			w.text("field", s.Alias, s.Name)
			for _, a := range sortedArguments(s.Arguments) {
				if !root || !slices.Contains(joining, a.Name) {
					w.argument(a)
				}
			}
			w.directives(s.Directives)
			w.selections(s.SelectionSet, false)
		case *ast.InlineFragment:
			w.text("on", s.TypeCondition)
			w.directives(s.Directives)
			w.selections(s.SelectionSet, root)
		case *ast.FragmentSpread:
			at := slices.Index(w.fragments, spread{s.Name, root})
			if at < 0 {
				at = len(w.fragments)
				w.fragments = append(w.fragments, spread{s.Name, root})
			}
			w.text("spread", fmt.Sprint(at))
			w.directives(s.Directives)
		}
	}
	w.text("}")
}

func sortedArguments(list ast.ArgumentList) ast.ArgumentList {
	return slices.SortedFunc(slices.Values(list), func(a, b *ast.Argument) int { return strings.Compare(a.Name, b.Name) })
}

func (w *keyWriter) directives(list ast.DirectiveList) {
	for _, d := range list {
		w.text("@", d.Name)
		for _, a := range sortedArguments(d.Arguments) {
			w.argument(a)
		}
	}
}

// argument writes an argument with its value. One that stands for a variable
// which the request leaves out is left out itself, as the executor has it.
func (w *keyWriter) argument(a *ast.Argument) {
	if a.Value.Kind == ast.Variable {
		if _, given := w.variables[a.Value.Raw]; !given {
			return
		}
	}
	v, err := a.Value.Value(w.variables)
	if err != nil && w.err == nil {
		w.err = err
	}
	b, err := json.Marshal(v)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.text("argument", a.Name, string(b))
}
