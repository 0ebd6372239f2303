package graph

import (
	"log/slog"
	"maps"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"redline/graph/generated"
)

// Options is what the room is built from. All of it is needed.
type Options struct {
	Store Store
	Live  Live
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
	log      *slog.Logger
	contract *contract
	plans    plans
	// streams are the goroutines of subscriptions.
	streams sync.WaitGroup
}

// New builds the room.
func New(o Options) *Graph {
	config := generated.Config{}
	// A copy of the contract without @defer, which no transport of ours can
	// deliver: it is refused as unknown instead of leaving fields out.
	schema := *generated.NewExecutableSchema(config).Schema()
	schema.Directives = maps.Clone(schema.Directives)
	delete(schema.Directives, "defer")

	r := &resolver{store: o.Store, live: o.Live, log: o.Log, contract: newContract(&schema)}
	r.plans.contract = r.contract
	config.Schema = &schema
	config.Resolvers = r
	config.Directives.Scope = r.scope
	config.Directives.OneOf = oneOf
	return &Graph{schema: generated.NewExecutableSchema(config), resolver: r, log: o.Log}
}

// Schema is the contract with its resolvers, to look at. To run it takes what
// Executor gives.
func (g *Graph) Schema() graphql.ExecutableSchema { return g.schema }

// Executor returns a new executor that is ready to run operations for the
// principal in their context. Limits and caches are for the caller to add.
func (g *Graph) Executor() *executor.Executor {
	e := g.fieldByField()
	e.Use(rootFields{})
	return e
}

// fieldByField is the executor without the hook at which gqlgen's own execution
// ends. It answers the same, and is what the tests hold the writers against.
func (g *Graph) fieldByField() *executor.Executor {
	e := executor.New(g.schema)
	e.SetErrorPresenter(ErrorPresenter(g.log))
	e.SetRecoverFunc(RecoverFunc(g.log))
	for _, extension := range []graphql.HandlerExtension{wholeNumbers{}, exactEnums{g.resolver.contract}, answers{g.resolver}} {
		e.Use(extension)
	}
	return e
}

// Wait returns once the goroutines of all subscriptions have ended, which they
// do when their contexts have. Call it when no more are started.
func (g *Graph) Wait() { g.resolver.streams.Wait() }

// Query returns the resolvers of queries.
func (r *resolver) Query() generated.QueryResolver { return query{r} }

// Mutation returns the resolvers of mutations.
func (r *resolver) Mutation() generated.MutationResolver { return mutation{r} }

// Subscription returns the resolvers of subscriptions.
func (r *resolver) Subscription() generated.SubscriptionResolver { return subscription{r} }

// Product returns the resolvers of a product's fields.
func (r *resolver) Product() generated.ProductResolver { return product{} }

// Supplier returns the resolvers of a supplier's fields.
func (r *resolver) Supplier() generated.SupplierResolver { return supplier{} }
