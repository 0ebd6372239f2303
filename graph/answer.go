package graph

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
)

// answers is an extension that gives each operation its plan and each answer its
// scratch space, and takes the event log's head before anything of a query that
// asks for it is read.
type answers struct{ *resolver }

// ExtensionName names the extension.
func (answers) ExtensionName() string { return "Answers" }

// Validate accepts any schema.
func (answers) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses an operation whose plan would hang on a null.
func (a answers) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	return a.plans.checkConditions(op)
}

// InterceptOperation runs around each operation that is let in.
func (a answers) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return next(context.WithValue(ctx, planKey{}, a.plans.of(graphql.GetOperationContext(ctx))))
}

// InterceptResponse runs around each answer: once for a query or a mutation,
// once for each event of a subscription.
func (a answers) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	p, ok := ctx.Value(planKey{}).(*plan)
	if !ok {
		return next(ctx) // the answer says why there was no operation
	}
	own := a.newAnswer(ctx)
	ctx = withAnswer(ctx, own)
	if p.asksHead {
		own.head = a.live.Head()
	}
	if p.kind == ast.Subscription && len(p.roots) == 1 {
		// gqlgen leaves the subscription's own field out of the paths of errors.
		ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{
			Object: "Subscription", Field: graphql.CollectedField{Field: p.roots[0].node},
		})
	}
	return next(ctx)
}

type (
	planKey   struct{}
	answerKey struct{}
)

// answer is what the fields of one answer share.
type answer struct {
	contract *contract
	// open are the scopes of whom it is for.
	open scopes
	head int64
	// values is how many were counted so far.
	values atomic.Int64

	mu    sync.Mutex
	told  map[string]bool
	items map[itemsKey]*items
}

// newAnswer begins an answer to the principal of a context.
func (r *resolver) newAnswer(ctx context.Context) *answer {
	return &answer{contract: r.contract, open: r.contract.open(redline.PrincipalFrom(ctx))}
}

// asked is what the field under way, which is one of a root, asks for.
func asked(ctx context.Context) *field {
	return ctx.Value(planKey{}).(*plan).root(graphql.GetFieldContext(ctx).Field.Alias)
}

func withAnswer(ctx context.Context, a *answer) context.Context {
	return context.WithValue(ctx, answerKey{}, a)
}

// answerFrom returns the answer under way; nil while a subscription starts.
func answerFrom(ctx context.Context) *answer {
	a, _ := ctx.Value(answerKey{}).(*answer)
	return a
}

// toldBefore reports whether a refusal was told of in this answer already, and
// notes that it was.
func (a *answer) toldBefore(what string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.told[what] {
		return true
	}
	if a.told == nil {
		a.told = map[string]bool{}
	}
	a.told[what] = true
	return false
}

// itemsKey is what tells two requests for a supplier's items apart. Root fields
// share none: what is asked of the items is filled into them, and root fields
// run at the same time.
type itemsKey struct {
	root                      *field
	hasFirst, hasAfter, count bool
	first                     int
	after                     string
}

func itemsKeyOf(root *field, page redline.PageRequest) itemsKey {
	k := itemsKey{root: root, hasFirst: page.First != nil, hasAfter: page.After != nil, count: page.Count}
	if k.hasFirst {
		k.first = *page.First
	}
	if k.hasAfter {
		k.after = *page.After
	}
	return k
}

// items are the pages of one request by their suppliers, or why the request is
// refused: then that is for the fields to say, each at its place.
type items struct {
	pages   map[string]*redline.Page[*redline.SupplierItem]
	refused error
}

// keepItems keeps what was read for the fields that show it.
func (a *answer) keepItems(k itemsKey, read items) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.items == nil {
		a.items = map[itemsKey]*items{}
	}
	kept := a.items[k]
	if kept == nil || read.refused != nil {
		a.items[k] = &read
		return
	}
	maps.Copy(kept.pages, read.pages)
}

// keptItems returns a page that was kept, or why it is refused; neither where
// it wasn't read yet.
func (a *answer) keptItems(k itemsKey, supplierID string) (page *redline.Page[*redline.SupplierItem], refused error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if kept := a.items[k]; kept != nil {
		return kept.pages[supplierID], kept.refused
	}
	return nil, nil
}

// adopt takes over what another answer keeps, which nobody adds to any more.
func (a *answer) adopt(prepared *answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.items = prepared.items
}
