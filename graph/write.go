package graph

import (
	"context"
	"io"
	"math"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"redline"
)

// writer writes the value of one root field, or one event, as its plan has it.
// The generated code knows the objects' fields (write_generated.go); this is
// what it is written with: how nulls reach the nearest place that may be null,
// and where errors are told.
type writer struct {
	// ctx is that of the root field.
	ctx       context.Context //nolint:containedctx // It is the answer's, and a writer lives no longer.
	op        *graphql.OperationContext
	principal redline.Principal
	answer    *answer
	// open are the scopes that the principal has.
	open scopes

	buf []byte
	// path are the fields that lead to the object under way, the root first.
	path []step
	// page is the request for suppliers' pages that was read last.
	page pageArguments

	// objects is how many were begun, and stopped why no more are.
	objects int
	stopped error
}

// step is a field on the way to an object, and the object's place in its list.
type step struct {
	field *field
	// index is -1 where there is no list.
	index int
}

// progress is how far the fields of one object are written.
type progress struct {
	// start is where the object begins, and value where its last field's value does.
	start, value int
	// at is the place of the field under way.
	at int
	// depth is how long the path to the object is.
	depth int
	// holed is true where a null was written that the contract doesn't have:
	// there is null instead of the object, once the errors of all fields are told.
	holed bool
}

var nullLiteral = []byte("null")

// objectsBetweenLooks is after how many objects a writer looks whether anybody
// still waits for the answer.
const objectsBetweenLooks = 1_000

// bufferMax is the largest buffer that is kept for other answers, in bytes.
const bufferMax = 1 << 20

var writers = sync.Pool{New: func() any { return new(writer) }}

// newWriter begins a root field's value. It is written once.
func newWriter(ctx context.Context, f *field) *writer {
	w := writers.Get().(*writer)
	w.ctx, w.op, w.principal, w.answer = ctx, graphql.GetOperationContext(ctx), redline.PrincipalFrom(ctx), answerFrom(ctx)
	w.open = w.answer.open
	w.path = append(w.path, step{field: f, index: -1})
	return w
}

// write is writeRoot, and tells why where the writer stopped.
func (w *writer) write(f *field, v any) (whole, known bool) {
	whole, known = w.writeRoot(f, v)
	if w.stopped != nil {
		graphql.AddError(w.ctx, graphql.AddFieldLocationToError(w.ctx, w.stopped))
		whole = false
	}
	return whole, known
}

// free gives the writer to those who come after. It is never used again.
func (w *writer) free() {
	if cap(w.buf) <= bufferMax {
		clear(w.path[:cap(w.path)])
		*w = writer{buf: w.buf[:0], path: w.path[:0]}
		writers.Put(w)
	}
}

// written is what a writer has written, to be given away once.
type written struct{ w *writer }

// MarshalGQL gives it away. There is nothing left for a second call.
func (d *written) MarshalGQL(to io.Writer) {
	if d.w == nil {
		_, _ = to.Write(nullLiteral)
		return
	}
	_, _ = to.Write(d.w.buf)
	d.w.free()
	d.w = nil
}

// begin begins an object. Once the context is done an object has no fields any
// more, and there is null instead, up to the root.
func (w *writer) begin() progress {
	p := progress{start: len(w.buf), depth: len(w.path)}
	if w.objects++; w.objects%objectsBetweenLooks == 0 && w.stopped == nil {
		w.stopped = w.ctx.Err()
	}
	if w.stopped != nil {
		p.at, p.holed = math.MaxInt, true
	}
	w.buf = append(w.buf, '{')
	return p
}

// next begins the field under way.
func (w *writer) next(o *object, p *progress) *field {
	f := &o.fields[p.at]
	key := f.key
	if p.at == 0 {
		key = key[1:]
	}
	w.buf = append(w.buf, key...)
	p.value = len(w.buf)
	return f
}

// end ends an object; false where there is to be null instead.
func (w *writer) end(p *progress) bool {
	if p.holed {
		w.buf = w.buf[:p.start]
		return false
	}
	w.buf = append(w.buf, '}')
	return true
}

// caught makes a panic of a field an error of that field; the others go on.
func (w *writer) caught(o *object, p *progress) {
	if v := recover(); v != nil {
		f := &o.fields[p.at]
		w.path = w.path[:p.depth]
		ctx := w.at(f)
		graphql.AddError(ctx, w.op.Recover(ctx, v))
		w.null(p, f)
		p.at++
	}
}

// enter goes into a field's object or list.
func (w *writer) enter(f *field) { w.path = append(w.path, step{field: f, index: -1}) }

// item begins an item of the list that was entered.
func (w *writer) item(i int) {
	w.path[len(w.path)-1].index = i
	if i > 0 {
		w.buf = append(w.buf, ',')
	}
}

// leave comes back from a field's object or list, and writes null where it
// wasn't whole.
func (w *writer) leave(p *progress, f *field, whole bool) {
	w.path = w.path[:len(w.path)-1]
	if !whole {
		w.null(p, f)
	}
}

// null writes null for the field under way, whatever of it was written before.
func (w *writer) null(p *progress, f *field) {
	p.holed = p.holed || f.nonNull
	w.buf = append(w.buf[:p.value], nullLiteral...)
}

// fail tells why there is null for the field under way.
func (w *writer) fail(p *progress, f *field, err error) {
	ctx := w.at(f)
	graphql.AddError(ctx, graphql.AddFieldLocationToError(ctx, err))
	w.null(p, f)
}

// missing tells of a field that has nothing and must have something: that is a
// fault of ours.
func (w *writer) missing(p *progress, f *field) {
	ctx := w.at(f)
	graphql.AddInvalidNullError(ctx, "")
	w.null(p, f)
}

// missingItem is missing for the item under way.
func (w *writer) missingItem(f *field) {
	graphql.AddInvalidNullError(w.at(nil), f.node.Definition.Type.Elem.String())
}

// closed refuses a field whose scopes the principal hasn't, once for each place.
func (w *writer) closed(p *progress, f *field) {
	if f.emptied {
		w.buf = append(w.buf, "[]"...)
		return
	}
	if !f.nonNull && w.answer.toldBefore(w.place(f)) {
		w.null(p, f)
		return
	}
	w.fail(p, f, refuse(w.principal, w.answer.contract.lacking(f.needs&^w.open)))
}

// place names where a field stands in the answer, whichever object of a list it is
// of.
func (w *writer) place(f *field) string {
	b := make([]byte, 0, 64)
	for _, s := range w.path {
		b = append(append(b, '/'), s.field.node.Alias...)
	}
	return string(append(append(b, '/'), f.node.Alias...))
}

// at makes the context in which gqlgen tells of errors: that of a field of the
// object under way, or of the object itself. Nothing else is told there.
func (w *writer) at(f *field) context.Context {
	root := graphql.GetFieldContext(w.ctx)
	last := root
	into := func(f *field) {
		last = &graphql.FieldContext{Parent: last, Field: graphql.CollectedField{Field: f.node}}
		if of := f.node.ObjectDefinition; of != nil {
			last.Object = of.Name
		}
	}
	for i, s := range w.path {
		if i > 0 { // the root is there already
			into(s.field)
		}
		if s.index >= 0 {
			last = &graphql.FieldContext{Parent: last, Index: &s.index}
		}
	}
	if f != nil {
		into(f)
	}
	if last == root {
		return w.ctx
	}
	before := last.Parent
	ctx := graphql.WithFieldContext(w.ctx, last)
	last.Parent = before // and not the root, which it was made a child of
	return ctx
}
