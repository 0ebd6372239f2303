package server

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// guard stands in an executor where parameters come in: before parsing,
// validation and cost, on every transport. Then again before the operation is
// begun, with its cost, and where an answer goes out.
//
// A document that the cache has was let in before, and passes. A new one is
// parsed here and then once more by the executor, which takes no document from
// an extension. BenchmarkAdmit has what that costs: a fifth of a millisecond
// for a document as large as is allowed, the first time that it comes.
type guard struct {
	limits        Limits
	documents     *documentCache
	introspection bool
	tariff        *tariff
	maxCost       int64
	rate          RateLimiter
	operations    *Operations
	only          bool
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
	graphql.OperationInterceptor
	graphql.ResponseInterceptor
} = (*guard)(nil)

// ExtensionName is how gqlgen calls it.
func (*guard) ExtensionName() string { return "RedlineGuard" }

// Validate reads what the schema says of costs.
func (g *guard) Validate(schema graphql.ExecutableSchema) error {
	g.tariff = newTariff(schema.Schema())
	return nil
}

// MutateOperationParameters finds the document that is meant, and refuses what is
// not worth validating.
func (g *guard) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	known, err := g.find(params)
	if err != nil {
		return err
	}
	if known == nil {
		known = g.documents.get(params.Query)
	}
	if known != nil {
		graphql.GetOperationContext(ctx).Stats.SetExtension(statsDocument, known)
		return choosable(known.doc, params.OperationName)
	}
	doc, err := g.limits.admit(params.Query)
	if err != nil {
		return err
	}
	return choosable(doc, params.OperationName)
}

// MutateOperationContext lets __schema and __type be resolved, which gqlgen
// otherwise refuses, has the document known by its hash, and refuses what costs too
// much.
func (g *guard) MutateOperationContext(_ context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	operation.DisableIntrospection = !g.introspection
	g.keep(operation)
	return g.charge(operation)
}

// admit parses a document that is within the limits.
func (l Limits) admit(query string) (*ast.QueryDocument, *gqlerror.Error) {
	if err := check(bound{"bytes", "bytes", len(query), l.Bytes}); err != nil {
		return nil, err
	}
	if err := check(bound{"tokens", "tokens", countTokens(query), l.Tokens}); err != nil {
		return nil, err
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, l.Tokens)
	if err != nil {
		syntax, ok := errors.AsType[*gqlerror.Error](err)
		if !ok {
			syntax = gqlerror.Errorf("the document could not be parsed")
		}
		syntax.Message = shorten(syntax.Message, maxMessageBytes)
		errcode.Set(syntax, errcode.ParseFailed)
		return nil, syntax
	}
	return doc, checkDocument(doc, l)
}

// choosable refuses a name that picks no operation. The executor would as
// well, but says "operation  not found" where the name is missing, and repeats
// the name where it is not, however long.
func choosable(doc *ast.QueryDocument, name string) *gqlerror.Error {
	switch {
	case len(doc.Operations) == 0:
		return requestError(errcode.ValidationFailed, "the document has no operation")
	case doc.Operations.ForName(name) != nil:
		return nil
	case name == "":
		return requestError(errcode.ValidationFailed,
			"the document has %d operations: operationName must say which one to run", len(doc.Operations))
	default:
		return requestError(errcode.ValidationFailed, "the document has no operation with the name that operationName gives")
	}
}
