package server

import (
	"cmp"
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"redline"
)

const (
	// DefaultDocumentCacheBytes is about what the cache of valid documents takes
	// at most.
	DefaultDocumentCacheBytes = 32 << 20
	// DefaultMaxCost is what an operation may cost: five pages of 250 orders, each of
	// 10 lines with their products and what of these is available where, or a feed of
	// 10,000 rows that shows each level with its product and location.
	DefaultMaxCost = 500_000
)

// ExecOptions says what an executor takes in.
type ExecOptions struct {
	// Limits on each document. Zeros stand for DefaultLimits.
	Limits Limits
	// MaxCost is how many points an operation may cost. Default DefaultMaxCost.
	MaxCost int64
	// Introspection allows __schema and __type to everybody, and lets errors suggest
	// names from the schema. Without it that is for holders of the scope schema:read.
	Introspection bool
	// Operations are those that clients may name by their ids, nil for none.
	Operations *Operations
	// OperationsOnly refuses every operation that isn't among them.
	OperationsOnly bool
	// RateLimiter counts what operations cost, nil where nobody does.
	RateLimiter RateLimiter
	// DocumentCacheBytes is how much memory valid documents are kept in, about,
	// so that they are parsed and validated once. Default 32 MiB.
	DocumentCacheBytes int
}

// RateLimiter counts what callers ask for: their principal and their address are in
// the context. Its methods are safe for concurrent use, and don't wait for long.
type RateLimiter interface {
	// Take takes the points of an operation, or says when there are so many.
	Take(ctx context.Context, points int64) redline.Allowance
	// Count takes a point from the address alone, for a request that is no operation.
	Count(ctx context.Context)
	// Blocked says whether the address has nothing left at all, so that nothing from it
	// is looked at. It takes nothing.
	Blocked(ctx context.Context) redline.Allowance
}

// Executor runs operations with the limits, the validation rules and the caches of
// this room, whatever transport they come by. An operation is refused with one error
// before it costs anything, and an invalid one with ten errors at most.
//
// It is two executors of gqlgen, because what is valid hangs on who asks: one knows
// introspection and suggests names, the other does neither.
type Executor struct {
	open, closed  *executor.Executor
	introspection bool
	rate          RateLimiter
}

var _ graphql.GraphExecutor = (*Executor)(nil)

// NewExecutor makes an executor of those that make returns: one new one for each
// call, of the same schema and with extensions but without limits, rules and caches.
// It fails where an option makes no sense, and with all that is wrong with the
// Operations.
func NewExecutor(make func() *executor.Executor, options ExecOptions) (*Executor, error) {
	limits, err := options.Limits.complete()
	if err != nil {
		return nil, err
	}
	switch {
	case options.DocumentCacheBytes < 0:
		return nil, errors.New("server: DocumentCacheBytes is negative")
	case options.MaxCost < 0:
		return nil, errors.New("server: MaxCost is negative")
	case options.OperationsOnly && options.Operations == nil:
		return nil, errors.New("server: OperationsOnly without Operations would refuse everything")
	}
	documents := newDocumentCache(cmp.Or(options.DocumentCacheBytes, DefaultDocumentCacheBytes))
	one := func(introspection bool) (*executor.Executor, error) {
		exec := make()
		exec.SetQueryCache(documentView{documents, introspection})
		exec.SetParserTokenLimit(limits.Tokens)
		exec.SetDisableSuggestion(!introspection)
		exec.SetDefaultRulesFn(func() *rules.Rules { return validationRules(introspection) })
		g := &guard{
			limits: limits, documents: documents, introspection: introspection,
			maxCost: cmp.Or(options.MaxCost, DefaultMaxCost), rate: options.RateLimiter,
			operations: options.Operations, only: options.OperationsOnly,
		}
		exec.Use(g)
		if introspection && options.Operations != nil {
			return exec, options.Operations.check(g.tariff.schema, limits)
		}
		return exec, nil
	}
	e := &Executor{introspection: options.Introspection, rate: options.RateLimiter}
	if e.open, err = one(true); err != nil {
		return nil, err
	}
	if e.closed, err = one(false); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Executor) of(ctx context.Context) *executor.Executor {
	if e.introspection || redline.PrincipalFrom(ctx).Has(redline.ScopeSchemaRead) {
		return e.open
	}
	return e.closed
}

// CreateOperationContext parses, validates and prices an operation, or says why it
// is refused.
func (e *Executor) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	if e.rate == nil || redline.Resumed(ctx) {
		return e.of(ctx).CreateOperationContext(ctx, params)
	}
	if !isAdmitted(ctx) {
		if blocked := e.rate.Blocked(ctx); !blocked.Allowed {
			return &graphql.OperationContext{}, gqlerror.List{rateLimited(blocked)}
		}
	}
	operation, errs := e.of(ctx).CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		e.rate.Count(ctx)
	}
	return operation, errs
}

// DispatchOperation begins an operation.
func (e *Executor) DispatchOperation(ctx context.Context, operation *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	return e.of(ctx).DispatchOperation(ctx, operation)
}

// DispatchError is the answer to an operation that was refused.
func (e *Executor) DispatchError(ctx context.Context, list gqlerror.List) *graphql.Response {
	return e.of(ctx).DispatchError(ctx, list)
}
