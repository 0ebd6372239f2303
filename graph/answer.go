package graph

import (
	"context"
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

	mu   sync.Mutex
	told map[string]bool
	// items and feeds are the pages that suppliers have of them.
	items shelf[*redline.SupplierItem]
	feeds shelf[*redline.SupplierFeed]
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

// adopt takes over what another answer keeps, which nobody adds to any more.
func (a *answer) adopt(prepared *answer) {
	a.items.adopt(&prepared.items)
	a.feeds.adopt(&prepared.feeds)
}
