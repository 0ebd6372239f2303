package graph

import (
	"fmt"
	"log/slog"
	"runtime"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// operationOf reads a document as a request does. Nothing keeps it.
func operationOf(t *testing.T, e *executor.Executor, query string, variables map[string]any) *graphql.OperationContext {
	t.Helper()
	op, refused := e.CreateOperationContext(graphql.StartOperationTrace(t.Context()), &graphql.RawParams{Query: query, Variables: variables})
	if refused != nil {
		t.Fatal(refused)
	}
	return op
}

func (s *plans) documents() (n int) {
	s.byDocument.Range(func(any, any) bool {
		n++
		return true
	})
	return n
}

// TestPlansLiveAsLongAsDocuments: a plan is found again while its document is
// kept, and is gone with it.
func TestPlansLiveAsLongAsDocuments(t *testing.T) {
	t.Parallel()
	g := New(Options{})
	s, e := &g.resolver.plans, g.Executor()
	kept := operationOf(t, e, `{locations{id}}`, nil)
	p := s.of(kept)
	const others = 100
	for i := range others {
		s.of(operationOf(t, e, fmt.Sprintf(`{a%d:locations{id}}`, i), nil))
	}
	for range 1_000 {
		if s.documents() == 1 {
			break
		}
		runtime.GC()
		runtime.Gosched() // to the cleanups
	}
	if n := s.documents(); n != 1 {
		t.Errorf("there are plans of %d documents, and one is kept", n)
	}
	if s.of(kept) != p {
		t.Error("the plan of a document that was kept is another")
	}
	if kept := s.kept.Load(); kept != int64(p.size) {
		t.Errorf("%d bytes of plans are kept, and the one takes %d", kept, p.size)
	}
	runtime.KeepAlive(kept.Doc)
}

// TestPlansOfConditions: each way to answer a document's conditions has a plan,
// and no document has many.
func TestPlansOfConditions(t *testing.T) {
	t.Parallel()
	g := New(Options{})
	s, e := &g.resolver.plans, g.Executor()
	query, declared, variables := "", "", map[string]any{}
	for i := range 6 {
		name := fmt.Sprint("v", i)
		declared += "$" + name + ":Boolean!"
		query += fmt.Sprintf(" a%d:code @skip(if:$%s)", i, name)
		variables[name] = false
	}
	op := operationOf(t, e, "query("+declared+"){locations{id"+query+"}}", variables)
	for answers := range 1 << 6 {
		asked := 1
		for i := range 6 {
			skip := answers>>i&1 == 1
			op.Variables[fmt.Sprint("v", i)] = skip
			if !skip {
				asked++
			}
		}
		for range 2 {
			if n := len(s.of(op).roots[0].of.fields); n != asked {
				t.Errorf("with %v %d fields are asked for, want %d", op.Variables, n, asked)
			}
		}
	}
	if n := len(s.ofDocument(op.Doc).made); n != plansMax {
		t.Errorf("%d plans are kept of one document, want %d", n, plansMax)
	}
}

// wide is a small document whose plans are large: of each node all types are
// asked for, and four variables decide what of them.
func wide(nodes int) (query string, variables func(answers int) map[string]any) {
	query = "query($a:Boolean!$b:Boolean!$c:Boolean!$d:Boolean!){"
	for i := range nodes {
		query += fmt.Sprintf("n%d:node(id:\"x\"){...F}", i)
	}
	query += "}fragment F on Node{id @skip(if:$a)...on Order{number @skip(if:$b)}...on Product{sku @skip(if:$c)name @skip(if:$d)}}"
	return query, func(answers int) map[string]any {
		return map[string]any{"a": answers&1 > 0, "b": answers&2 > 0, "c": answers&4 > 0, "d": answers&8 > 0}
	}
}

// TestPlansAreBounded: neither one document's plans nor all of them take more
// than they may, and what isn't kept is answered all the same. Once a small
// document had a megabyte of plans, and a cache full of these half a gigabyte.
func TestPlansAreBounded(t *testing.T) {
	t.Parallel()
	g := New(Options{})
	s, e := &g.resolver.plans, g.Executor()
	const nodes = 20
	query, variables := wide(nodes)
	op := operationOf(t, e, query, variables(0))
	all := 0
	for answers := range 1 << 4 {
		op.Variables = variables(answers)
		p := s.of(op)
		if len(p.roots) != nodes {
			t.Fatalf("the plan has %d root fields", len(p.roots))
		}
		all += p.size
	}
	known := s.ofDocument(op.Doc)
	if all <= documentPlansBytes || known.size > documentPlansBytes || len(known.made) == 0 {
		t.Errorf("%d plans of %d bytes are kept, of %d bytes; a document may have %d", len(known.made), known.size, all, documentPlansBytes)
	}
	if kept := s.kept.Load(); kept != int64(known.size) {
		t.Errorf("%d bytes are counted, and %d kept", kept, known.size)
	}

	s.kept.Store(plansBytes)
	other := operationOf(t, e, `{locations{id}}`, nil)
	if p := s.of(other); len(p.roots) != 1 {
		t.Errorf("the plan has %d root fields", len(p.roots))
	}
	if known := s.ofDocument(other.Doc); len(known.made) != 0 || s.kept.Load() != plansBytes {
		t.Errorf("%d plans are kept where there is no room, and %d bytes", len(known.made), s.kept.Load())
	}
	runtime.KeepAlive(op.Doc)
}

// TestConditionsAreAnOperationsOwn: what another operation of the document calls
// the same decides nothing here, nor is one's plan taken for another's.
func TestConditionsAreAnOperationsOwn(t *testing.T) {
	t.Parallel()
	g := New(Options{})
	doc, err := parser.ParseQuery(&ast.Source{Input: `query A($x:Boolean!){...F} query A1($x:String){suppliers(after:$x){nodes{id}}}
		fragment F on Query{locations @skip(if:$x){id}}`})
	if err != nil {
		t.Fatal(err)
	}
	if errs := validator.ValidateWithRules(g.schema.Schema(), doc, rules.NewDefaultRules()); len(errs) > 0 {
		t.Fatal(errs)
	}
	s := &g.resolver.plans
	skipped := &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0], Variables: map[string]any{"x": true}}
	other := &graphql.OperationContext{Doc: doc, Operation: doc.Operations[1], Variables: map[string]any{"x": nil}}
	for _, op := range []*graphql.OperationContext{skipped, other} {
		if refused := s.checkConditions(op); refused != nil {
			t.Errorf("%s is refused: %v", op.Operation.Name, refused)
		}
	}
	if a, b := len(s.of(skipped).roots), len(s.of(other).roots); a != 0 || b != 1 {
		t.Errorf("A has %d root fields and A1 %d, want 0 and 1", a, b)
	}
}

// TestPlansShareFragments: a small document has no enormous plan, however often
// its fragments are used.
func TestPlansShareFragments(t *testing.T) {
	t.Parallel()
	g := New(Options{})
	const depth = 30
	query := "{order(by:{id:\"x\"}){...f0}}"
	for i := range depth {
		query += fmt.Sprintf(" fragment f%d on Order{a:fulfillmentOrders{order{...f%d}} b:fulfillmentOrders{order{...f%d}}}", i, i+1, i+1)
	}
	query += fmt.Sprintf(" fragment f%d on Order{id}", depth)
	op := operationOf(t, g.Executor(), "{locations{id}}", nil)
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		t.Fatal(err)
	}
	// The rules that bound documents would take as long as it seems.
	if errs := validator.ValidateWithRules(g.schema.Schema(), doc, rules.NewRules()); len(errs) > 0 {
		t.Fatal(errs)
	}
	op.Doc, op.Operation = doc, doc.Operations[0]
	if p := g.resolver.plans.of(op); p.roots[0].of.fields[1].of == nil {
		t.Error("there is no plan")
	}
}

// TestRefusedOperationsHaveNoPlan: what isn't let in isn't compiled, however
// large it would be.
func TestRefusedOperationsHaveNoPlan(t *testing.T) {
	t.Parallel()
	g := New(Options{Log: slog.New(slog.DiscardHandler)})
	e := g.Executor()
	ctx := graphql.StartOperationTrace(t.Context())
	op, refused := e.CreateOperationContext(ctx, &graphql.RawParams{Query: `query($n:Int!){suppliers(first:$n){nodes{id}}}`})
	if refused == nil || op.Doc == nil {
		t.Fatalf("it was let in: %v", refused)
	}
	if got := e.DispatchError(graphql.WithOperationContext(ctx, op), refused); len(got.Errors) != 1 {
		t.Errorf("got %v", got.Errors)
	}
	if n := g.resolver.plans.documents(); n != 0 {
		t.Errorf("%d documents have plans", n)
	}
}

// TestWhoGetsBriefProducts: products are brief only where nobody beneath a root
// field asks for their details, on whatever way.
func TestWhoGetsBriefProducts(t *testing.T) {
	t.Parallel()
	g := New(Options{})
	s, e := &g.resolver.plans, g.Executor()
	for query, brief := range map[string]bool{
		`{products{nodes{id sku name price{amount}availability{available}}}}`:                                true,
		`{products{nodes{__typename}pageInfo{endCursor}}}`:                                                   true,
		`{products{nodes{id}edges{node{description}}}}`:                                                      false,
		`{products{nodes{a:attributes{name}}}}`:                                                              false,
		`{products{nodes{...F}}}fragment F on Node{...on Product{...G}}fragment G on Product{updatedAt}`:     false,
		`{products{nodes{inventory{levels{product{createdAt}}}}}}`:                                           false,
		`{products{nodes{inventory{levels{product{sku}asOf}}}}}`:                                             true,
		`{products{nodes{sku description @skip(if:true)}}}`:                                                  true,
		`{order(by:{id:"1"}){updatedAt lines{product{sku}}}}`:                                                true,
		`{order(by:{id:"1"}){lines{product{sku}}fulfillmentOrders{lines{orderLine{product{description}}}}}}`: false,
	} {
		f := &s.of(operationOf(t, e, query, nil)).roots[0]
		got := f.productParts().Brief
		if f.node.Name == "order" {
			got = f.orderParts().BriefProducts
		}
		if got != brief {
			t.Errorf("%s: the products are brief: %v", query, got)
		}
	}
}
