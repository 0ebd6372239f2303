package server

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"
	"github.com/vektah/gqlparser/v2/validator"
)

// Operations are the documents that clients may name by an identifier instead of
// sending them, and the only ones that are run where that is asked for.
//
// A document is named by the identifier that its manifest gives it, and by the
// SHA-256 of its text, as it is or behind "sha256:". It is known by its text as well,
// whatever white space, commas and comments are in it and whatever the order of its
// definitions. Of a document with several operations each is also known by itself,
// with the fragments that it spreads.
type Operations struct {
	list    []*listed
	byID    map[string]*listed
	byText  map[string]*listed
	byPrint map[print]*listed
}

// listed is a document of the list.
type listed struct {
	text string
	// id is what a manifest calls it, "" in a folder.
	id string
	// name is what a manifest or its file calls it, for operations without a name.
	name string
	// print is that of the whole document.
	print print
	// source says where it is from, for people: a file, or a member of one. lines says
	// that the lines of faults are the file's own.
	source string
	lines  bool
}

func (l *listed) nameOf(operation string) string {
	if operation != "" {
		return operation
	}
	return l.name
}

// named returns the document with an identifier, nil where there is none. A nil
// Operations has none.
func (o *Operations) named(id string) *listed {
	if o == nil || id == "" {
		return nil
	}
	return o.byID[id]
}

// exactly returns the document with this very text.
func (o *Operations) exactly(text string) *listed {
	if o == nil {
		return nil
	}
	return o.byText[text]
}

// like returns the document that says the same as a text.
func (o *Operations) like(text string, limits Limits) *listed {
	if known := o.exactly(text); known != nil || o == nil || text == "" {
		return known
	}
	doc, err := limits.admit(text)
	if err != nil {
		return nil
	}
	return o.byPrint[printOf(partsOf(text, doc))]
}

// says reports whether a text says the same as this document.
func (l *listed) says(text string, limits Limits) bool {
	if text == l.text {
		return true
	}
	doc, err := limits.admit(text)
	return err == nil && printOf(partsOf(text, doc)) == l.print
}

// check validates all documents, and makes what they are found by. The error has
// every fault.
func (o *Operations) check(schema *ast.Schema, limits Limits) error {
	o.byID, o.byText, o.byPrint = map[string]*listed{}, map[string]*listed{}, map[print]*listed{}
	var faults []error
	for _, l := range o.list {
		doc, err := limits.admit(l.text)
		if err != nil {
			faults = append(faults, l.fault(nil, err))
			continue
		}
		if len(doc.Operations) == 0 {
			faults = append(faults, l.fault(nil, gqlerror.Errorf("it has no operation")))
			continue
		}
		if invalid := validator.ValidateWithRules(schema, doc, validationRules(true)); len(invalid) > 0 {
			for _, err := range invalid {
				faults = append(faults, l.fault(doc, err))
			}
			continue
		}
		if err := o.add(l, doc); err != nil {
			faults = append(faults, err)
		}
	}
	if len(o.list) == 0 {
		faults = append(faults, errors.New("there is no operation in it"))
	}
	return errors.Join(faults...)
}

// fault says where something is wrong: the file, the operation, and the line.
func (l *listed) fault(doc *ast.QueryDocument, err *gqlerror.Error) error {
	where := l.source
	if len(err.Locations) > 0 {
		line := err.Locations[0].Line
		if l.lines {
			where += ":" + strconv.Itoa(line)
		} else {
			where += ", line " + strconv.Itoa(line)
		}
		if doc != nil {
			where += operationAt(doc, line)
		}
	}
	return fmt.Errorf("%s: %s", where, err.Message)
}

// operationAt names the definition that a line of a document is in.
func operationAt(doc *ast.QueryDocument, line int) (name string) {
	last := 0
	note := func(at *ast.Position, kind, called string) {
		if at.Line <= line && at.Line >= last {
			last, name = at.Line, strings.TrimRight(", "+kind+" "+called, " ")
		}
	}
	for _, operation := range doc.Operations {
		note(operation.Position, string(operation.Operation), operation.Name)
	}
	for _, fragment := range doc.Fragments {
		note(fragment.Position, "fragment", fragment.Name)
	}
	return name
}

// add notes a valid document.
func (o *Operations) add(l *listed, doc *ast.QueryDocument) error {
	hash := hashOf(l.text)
	for _, id := range []string{l.id, hash, prefixSHA256 + hash} {
		if other := o.byID[id]; id != "" && other != nil && other.text != l.text {
			return fmt.Errorf("%s: its identifier %s is that of %s as well", l.source, shorten(id, maxIdentifierBytes), other.source)
		}
		if id != "" {
			o.byID[id] = l
		}
	}
	parts := partsOf(l.text, doc)
	if o.byText[l.text] == nil {
		o.byText[l.text] = l
	}
	l.print = printOf(parts)
	if o.byPrint[l.print] == nil {
		o.byPrint[l.print] = l
	}
	if len(doc.Operations) == 1 {
		return nil
	}
	for _, operation := range doc.Operations {
		spread := spreadBy(doc, operation)
		own := slices.DeleteFunc(slices.Clone(parts), func(p docPart) bool {
			return !(p.name == operation.Name && !p.fragment || p.fragment && spread[p.name])
		})
		one := &listed{text: textOf(own), name: operation.Name, source: l.source}
		if p := printOf(own); o.byPrint[p] == nil {
			o.byPrint[p], o.byText[one.text] = one, one
		}
	}
	return nil
}

// spreadBy is which fragments an operation spreads, directly or through others.
func spreadBy(doc *ast.QueryDocument, operation *ast.OperationDefinition) map[string]bool {
	spread := map[string]bool{}
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, selection := range set {
			switch selection := selection.(type) {
			case *ast.Field:
				walk(selection.SelectionSet)
			case *ast.InlineFragment:
				walk(selection.SelectionSet)
			case *ast.FragmentSpread:
				if !spread[selection.Name] {
					spread[selection.Name] = true
					walk(doc.Fragments.ForName(selection.Name).SelectionSet)
				}
			}
		}
	}
	walk(operation.SelectionSet)
	return spread
}

// print is what is left of a document, or of one of its definitions, without white
// space, commas and comments: two with one print are the same to GraphQL.
type print [sha256.Size]byte

// docPart is a definition of a document.
type docPart struct {
	fragment bool
	name     string
	text     string
	print    print
}

// partsOf takes a document apart into its definitions, in their order, each from its
// first token to its last. Comments and descriptions between them belong to none.
func partsOf(text string, doc *ast.QueryDocument) []docPart {
	type start struct {
		at   int // in runes
		part docPart
	}
	var starts []start
	for _, operation := range doc.Operations {
		starts = append(starts, start{operation.Position.Start, docPart{name: operation.Name}})
	}
	for _, fragment := range doc.Fragments {
		starts = append(starts, start{fragment.Position.Start, docPart{fragment: true, name: fragment.Name}})
	}
	slices.SortFunc(starts, func(a, b start) int { return a.at - b.at })
	parts := make([]docPart, len(starts))
	runes := []rune(text)
	scanner := lexer.New(&ast.Source{Input: text})
	next, nesting, digest := 0, 0, sha256.New()
	for {
		token, err := scanner.ReadToken()
		if err != nil || token.Kind == lexer.EOF {
			break // the parser has read it, so that there is no error
		}
		if next < len(starts) && token.Pos.Start >= starts[next].at {
			parts[next] = starts[next].part
			next++
			digest.Reset()
		}
		switch token.Kind {
		case lexer.Comment:
			continue
		case lexer.String, lexer.BlockString:
			if nesting == 0 { // the description of what comes next
				continue
			}
		case lexer.BraceL, lexer.ParenL:
			nesting++
		case lexer.BraceR, lexer.ParenR:
			nesting--
		}
		fmt.Fprintf(digest, "%d %d %s", token.Kind, len(token.Value), token.Value)
		if token.Kind == lexer.BraceR && nesting == 0 { // every definition ends with one
			parts[next-1].text = string(runes[starts[next-1].at : token.Pos.Start+1])
			digest.Sum(parts[next-1].print[:0])
		}
	}
	return parts
}

// printOf is that of a document, whatever the order of its definitions.
func printOf(parts []docPart) print {
	prints := make([]string, len(parts))
	for i := range parts {
		prints[i] = string(parts[i].print[:])
	}
	slices.Sort(prints)
	return sha256.Sum256([]byte(strings.Join(prints, "")))
}

func textOf(parts []docPart) string {
	texts := make([]string, len(parts))
	for i := range parts {
		texts[i] = parts[i].text
	}
	return strings.Join(texts, "\n")
}
