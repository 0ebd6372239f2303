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
// validation and complexity, on every transport.
//
// A document that the cache has was let in before, and passes. A new one is
// parsed here and then once more by the executor, which takes no document from
// an extension. BenchmarkAdmit has what that costs: a fifth of a millisecond
// for a document as large as is allowed, the first time that it comes.
type guard struct {
	limits        Limits
	documents     *documentCache
	introspection bool
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
} = (*guard)(nil)

// ExtensionName is how gqlgen calls it.
func (*guard) ExtensionName() string { return "RedlineGuard" }

// Validate finds nothing to object to in any schema.
func (*guard) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters refuses what is not worth validating. It changes
// nothing.
func (g *guard) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	doc, known := g.documents.Get(ctx, params.Query)
	if !known {
		var err *gqlerror.Error
		if doc, err = g.admit(params.Query); err != nil {
			return err
		}
	}
	return choosable(doc, params.OperationName)
}

// MutateOperationContext lets __schema and __type be resolved, which gqlgen
// otherwise refuses.
func (g *guard) MutateOperationContext(_ context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	operation.DisableIntrospection = !g.introspection
	return nil
}

// admit parses a document that is within the limits.
func (g *guard) admit(query string) (*ast.QueryDocument, *gqlerror.Error) {
	if err := check(bound{"bytes", "bytes", len(query), g.limits.Bytes}); err != nil {
		return nil, err
	}
	if err := check(bound{"tokens", "tokens", countTokens(query), g.limits.Tokens}); err != nil {
		return nil, err
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, g.limits.Tokens)
	if err != nil {
		syntax, ok := errors.AsType[*gqlerror.Error](err)
		if !ok {
			syntax = gqlerror.Errorf("the document could not be parsed")
		}
		syntax.Message = shorten(syntax.Message, maxMessageBytes)
		errcode.Set(syntax, errcode.ParseFailed)
		return nil, syntax
	}
	return doc, checkDocument(doc, g.limits)
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
