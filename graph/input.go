package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
)

// oneOf implements the directive @oneOf for what the validator can't see:
// values that come out of variables. obj holds the members as they were given.
func oneOf(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
	members, _ := obj.(map[string]any)
	if len(members) != 1 {
		return nil, redline.Invalid(nil, "exactly one member of this input is to be given, not %d", len(members))
	}
	for name, value := range members {
		if value == nil {
			return nil, redline.Invalid(nil, "%s is the one member given, and can't be null", name)
		}
	}
	return next(ctx)
}

// exactEnums is an extension that refuses variables which spell an enum's value
// in another case. gqlgen would let them pass, to be stored as they are.
type exactEnums struct{ contract *contract }

// ExtensionName names the extension.
func (exactEnums) ExtensionName() string { return "ExactEnums" }

// Validate accepts any schema.
func (exactEnums) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext checks the variables of an operation.
func (x exactEnums) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	for _, v := range op.Operation.VariableDefinitions {
		if !x.contract.hasEnum[v.Type.Name()] {
			continue
		}
		path := ast.Path{ast.PathName("variable"), ast.PathName(v.Variable)}
		if err := x.check(path, v.Type, op.Variables[v.Variable]); err != nil {
			errcode.Set(err, errcode.ValidationFailed)
			return err
		}
	}
	return nil
}

func (x exactEnums) check(path ast.Path, t *ast.Type, value any) *gqlerror.Error {
	if value == nil {
		return nil
	}
	if t.Elem != nil {
		for i, v := range graphql.CoerceList(value) {
			if err := x.check(append(path, ast.PathIndex(i)), t.Elem, v); err != nil {
				return err
			}
		}
		return nil
	}
	if def := x.contract.schema.Types[t.NamedType]; def.Kind == ast.Enum {
		if s, ok := value.(string); !ok || def.EnumValues.ForName(s) == nil {
			return gqlerror.ErrorPathf(path, "%.40v is not a valid %s", value, def.Name)
		}
		return nil
	}
	members, _ := value.(map[string]any)
	for _, f := range x.contract.enums[t.NamedType] {
		if err := x.check(append(path, ast.PathName(f.Name)), f.Type, members[f.Name]); err != nil {
			return err
		}
	}
	return nil
}
