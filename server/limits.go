package server

import (
	"cmp"
	"errors"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Limits bound what one document may ask for. They are checked before it is
// validated, since validation and complexity counting take time that grows
// with the square of a document, or worse. Zero stands for the default; none
// can be switched off.
//
// Depth, RootFields, Aliases, Directives and Selections are counted with
// fragments written out, as often as they are spread, and for the costliest
// operation of the document.
type Limits struct {
	// Bytes is the longest document. Default 64 KiB.
	Bytes int
	// Tokens are the lexical tokens, comments among them. Default 1,000.
	Tokens int
	// Operations that the document defines. Default 20.
	Operations int
	// Fragments that the document defines. Default 50.
	Fragments int
	// Depth is how deep fields nest; { product { id } } is 2. Default 15,
	// which the usual introspection query needs.
	Depth int
	// RootFields are the fields of the operation itself. Default 20.
	RootFields int
	// Aliases are fields that are given another name. Default 50.
	Aliases int
	// Directives on anything. Default 50.
	Directives int
	// Selections are fields, fragment spreads and inline fragments. Default 1,000.
	Selections int
	// Repeats are fields that are selected once more under a name that the
	// same braces have already, in the whole document. Validation compares
	// each with each. Default 100.
	Repeats int
}

// DefaultLimits is what a zero Limits stands for.
func DefaultLimits() Limits {
	return Limits{
		Bytes:      64 << 10,
		Tokens:     1000,
		Operations: 20,
		Fragments:  50,
		Depth:      15,
		RootFields: 20,
		Aliases:    50,
		Directives: 50,
		Selections: 1000,
		Repeats:    100,
	}
}

func (l Limits) complete() (Limits, error) {
	d := DefaultLimits()
	l = Limits{
		Bytes:      cmp.Or(l.Bytes, d.Bytes),
		Tokens:     cmp.Or(l.Tokens, d.Tokens),
		Operations: cmp.Or(l.Operations, d.Operations),
		Fragments:  cmp.Or(l.Fragments, d.Fragments),
		Depth:      cmp.Or(l.Depth, d.Depth),
		RootFields: cmp.Or(l.RootFields, d.RootFields),
		Aliases:    cmp.Or(l.Aliases, d.Aliases),
		Directives: cmp.Or(l.Directives, d.Directives),
		Selections: cmp.Or(l.Selections, d.Selections),
		Repeats:    cmp.Or(l.Repeats, d.Repeats),
	}
	if min(l.Bytes, l.Tokens, l.Operations, l.Fragments, l.Depth, l.RootFields,
		l.Aliases, l.Directives, l.Selections, l.Repeats) < 0 {
		return l, errors.New("server: a limit is negative")
	}
	return l, nil
}

// bound is one limit, and what a document came to.
type bound struct {
	limit   string // stable, for programs
	what    string // for people
	value   int
	maximum int
}

// check reports the first bound that is exceeded, and nothing of the others:
// one error is enough to act on.
func check(bounds ...bound) *gqlerror.Error {
	for _, b := range bounds {
		if b.value > b.maximum {
			err := requestError(codeLimitExceeded,
				"the document has %d %s, and may have %d at most", b.value, b.what, b.maximum)
			err.Extensions["limit"] = b.limit
			err.Extensions["value"] = b.value
			err.Extensions["maximum"] = b.maximum
			return err
		}
	}
	return nil
}
