package graph

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

const (
	// valuesMax is the most values of one answer: all root fields of a query or
	// of a mutation together, or one event. A value is a field of an object, or
	// a scalar in a list. A page of 250 orders of 20 lines,
	// each with its product and what of that is available at 33 locations, has
	// less.
	valuesMax = 1_000_000
	// textUnit is how many bytes of a text, or of the name that an operation
	// gives a field, count as one more value.
	textUnit = 100
)

// tooLarge refuses an answer of more than valuesMax values. It is the number
// at which counting stopped.
type tooLarge int64

func (t tooLarge) Error() string {
	return fmt.Sprintf("the answer has %d values or more, and may have %d at most: ask for less at once", int64(t), valuesMax)
}

// spend counts values of the answer before they are made.
func (a *answer) spend(values int) error {
	if total := a.values.Add(int64(values)); total > valuesMax {
		return tooLarge(total)
	}
	return nil
}

// named is what a field counts for itself, whatever is in it.
func named(f graphql.CollectedField) int { return 1 + len(f.Alias)/textUnit }

// cost counts what is written of one field of all objects of a group. What a
// relation leads to isn't in it: that is of the next level.
func (p *preloader) cost(s step) int {
	one, total := named(s.field), 0
	for _, times := range s.group.times {
		total += times * one
	}
	if s.closed || s.relation.next != nil || s.relation.page != nil {
		return total
	}
	index := p.contract.member(reflect.TypeOf(s.group.objs[0]).Elem(), s.field.Name)
	if index == nil {
		return total
	}
	for i, o := range s.group.objs {
		total += s.group.times[i] * p.size(s.field.Definition.Type, s.field.Selections, reflect.ValueOf(o).Elem().FieldByIndex(index))
	}
	return total
}

// size counts what is in a value beside the one that it is: the members of a
// list, the fields of an object, the length of a text.
func (p *preloader) size(t *ast.Type, sel ast.SelectionSet, v reflect.Value) int {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	n := 0
	switch {
	case v.Kind() == reflect.String:
		return v.Len() / textUnit
	case v.Kind() == reflect.Slice && t.Elem != nil:
		for i := range v.Len() {
			n += p.size(t.Elem, sel, v.Index(i))
			if len(sel) == 0 {
				n++
			}
		}
	case v.Kind() == reflect.Struct && len(sel) > 0:
		for _, f := range graphql.CollectFields(p.op, sel, p.contract.types[t.NamedType].satisfies) {
			n += named(f)
			if index := p.contract.member(v.Type(), f.Name); index != nil {
				n += p.size(f.Definition.Type, f.Selections, v.FieldByIndex(index))
			}
		}
	}
	return n
}

// member finds a struct's field by its name in the contract, or returns nil.
func (c *contract) member(t reflect.Type, name string) []int {
	type key struct {
		t    reflect.Type
		name string
	}
	k := key{t, name}
	if index, ok := c.members.Load(k); ok {
		return index.([]int)
	}
	f, _ := t.FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, name) })
	c.members.Store(k, f.Index)
	return f.Index
}
