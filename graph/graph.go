package graph

import (
	"context"
	"log/slog"
	"maps"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"

	"redline"
	"redline/graph/generated"
)

// Options is what the room is built from. All of it is needed, but for Load and Refused.
type Options struct {
	Store Store
	Live  Live
	// Load says what the gateway carries. It is called for each pulse that is asked for.
	// Nil: there is no pulse, and who asks for one gets null.
	Load func() redline.Load
	// Refused is called where a mutation is answered with errors in its payload, with
	// the context of its operation. Nil does nothing.
	Refused func(ctx context.Context)
	// Log gets what callers are not shown: the faults behind "internal error".
	Log *slog.Logger
}

// Graph is the room, built.
type Graph struct {
	schema   graphql.ExecutableSchema
	resolver *resolver
	log      *slog.Logger
}

// resolver is the root of all resolvers.
type resolver struct {
	store    Store
	live     Live
	load     func() redline.Load
	refused  func(ctx context.Context)
	log      *slog.Logger
	contract *contract
	plans    plans
}

// New builds the room.
func New(o Options) *Graph {
	// A copy of the contract without @defer, which no transport of ours can
	// deliver: it is refused as unknown instead of leaving fields out.
	schema := *generated.NewExecutableSchema(generated.Config{}).Schema()
	schema.Directives = maps.Clone(schema.Directives)
	delete(schema.Directives, "defer")

	r := &resolver{store: o.Store, live: o.Live, load: o.Load, refused: o.Refused, log: o.Log, contract: newContract(&schema)}
	if r.refused == nil {
		r.refused = func(context.Context) {}
	}
	r.plans.contract = r.contract
	return &Graph{schema: executable(&schema, r, r.scope), resolver: r, log: o.Log}
}

// scopeDirective is what gqlgen calls for @scope.
type scopeDirective = func(ctx context.Context, obj any, next graphql.Resolver, anyOf []string) (any, error)

// executable gives the contract its resolvers.
func executable(schema *ast.Schema, resolvers generated.ResolverRoot, scope scopeDirective) graphql.ExecutableSchema {
	config := generated.Config{Schema: schema, Resolvers: resolvers}
	config.Directives.Scope = scope
	config.Directives.OneOf = oneOf
	return generated.NewExecutableSchema(config)
}

// Schema is the contract with its resolvers, to look at. To run it takes what
// Executor gives.
func (g *Graph) Schema() graphql.ExecutableSchema { return g.schema }

// Executor returns a new executor that is ready to run operations for the
// principal in their context. Limits and caches are for the caller to add.
func (g *Graph) Executor() *executor.Executor {
	e := g.executor(g.schema)
	e.Use(rootFields{})
	return e
}

// executor is that of a schema, without the hook at which gqlgen's own execution
// ends.
func (g *Graph) executor(schema graphql.ExecutableSchema) *executor.Executor {
	e := executor.New(schema)
	e.SetErrorPresenter(ErrorPresenter(g.log))
	e.SetRecoverFunc(RecoverFunc(g.log))
	for _, extension := range []graphql.HandlerExtension{wholeNumbers{}, exactEnums{g.resolver.contract}, answers{g.resolver}} {
		e.Use(extension)
	}
	return e
}

// Query returns the resolvers of queries.
func (r *resolver) Query() generated.QueryResolver { return query{r} }

// Mutation returns the resolvers of mutations.
func (r *resolver) Mutation() generated.MutationResolver { return mutation{r} }

// Subscription returns the resolvers of subscriptions.
func (r *resolver) Subscription() generated.SubscriptionResolver { return subscription{r} }

// Product would return the resolvers of a product's fields. gqlgen's interface
// asks for them, and its execution ends above them.
func (r *resolver) Product() generated.ProductResolver { return nil }

// Supplier is for suppliers what Product is for products.
func (r *resolver) Supplier() generated.SupplierResolver { return nil }

// Conflict is for conflicts what Product is for products.
func (r *resolver) Conflict() generated.ConflictResolver { return nil }
