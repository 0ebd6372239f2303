package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
)

const schemaText = `
type Query {
	hello: String!
	echo(text: String, number: Int, ids: [ID!], color: Color, filter: Filter): String!
	user: User
	who: String!
	fails: String
	failsHard: String!
	down: String
	downHard: String!
	slow: String!
	panics: String!
}
type User { id: ID! name: String! friend: User friends: [User!]! }
type Mutation { bump: Int! }
type Subscription { ticks: Int! }
enum Color { RED GREEN }
input Filter { name: String! inner: Filter }
`

type resolver func(ctx context.Context, args map[string]any) (any, error)

// tinySchema is an executable schema as gqlgen would generate it, as far as a
// transport can tell, with resolvers that a test can replace.
type tinySchema struct {
	schema    *ast.Schema
	resolvers map[string]resolver
	runs      atomic.Int64 // of resolvers
	bumps     atomic.Int64
}

func newTinySchema() *tinySchema {
	s := &tinySchema{schema: gqlparser.MustLoadSchema(&ast.Source{Input: schemaText})}
	text := func(value string) resolver {
		return func(context.Context, map[string]any) (any, error) { return value, nil }
	}
	fail := func(code redline.ErrorCode) resolver {
		return func(context.Context, map[string]any) (any, error) {
			return nil, &gqlerror.Error{Message: "no", Extensions: map[string]any{"code": code, "retryAfterMs": int64(1001)}}
		}
	}
	user := func(context.Context, map[string]any) (any, error) { return map[string]any{}, nil }
	s.resolvers = map[string]resolver{
		"hello":     text("world"),
		"id":        text("u1"),
		"name":      text("Ann"),
		"user":      user,
		"friend":    user,
		"fails":     fail("ODD"),
		"failsHard": fail("ODD"),
		"down":      fail(redline.CodeUnavailable),
		"downHard":  fail(redline.CodeUnavailable),
		"echo": func(_ context.Context, args map[string]any) (any, error) {
			encoded, err := json.Marshal(args)
			return string(encoded), err
		},
		"who": func(ctx context.Context, _ map[string]any) (any, error) {
			p := redline.PrincipalFrom(ctx)
			return fmt.Sprintf("%s %q %s", p.Role, p.Subject, redline.RequestIDFrom(ctx)), nil
		},
		"panics": func(context.Context, map[string]any) (any, error) { panic("the secret cause") },
		"bump":   func(context.Context, map[string]any) (any, error) { return s.bumps.Add(1), nil },
	}
	return s
}

func (s *tinySchema) Schema() *ast.Schema { return s.schema }

func (s *tinySchema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (s *tinySchema) Exec(ctx context.Context) graphql.ResponseHandler {
	operation := graphql.GetOperationContext(ctx)
	root := s.schema.Query
	if operation.Operation.Operation == ast.Mutation {
		root = s.schema.Mutation
	}
	done := false
	return func(ctx context.Context) *graphql.Response {
		if done {
			return nil
		}
		done = true
		return &graphql.Response{Data: s.object(ctx, operation.Operation.SelectionSet, root)}
	}
}

// object resolves one object; a field that must not be null and is makes the
// whole object null.
func (s *tinySchema) object(ctx context.Context, set ast.SelectionSet, of *ast.Definition) []byte {
	operation := graphql.GetOperationContext(ctx)
	out := bytes.NewBufferString("{")
	for i, field := range graphql.CollectFields(operation, set, []string{of.Name}) {
		value := s.field(ctx, field, of)
		if string(value) == "null" && field.Definition.Type.NonNull {
			return value
		}
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(out, "%q:%s", field.Alias, value)
	}
	out.WriteByte('}')
	return out.Bytes()
}

func (s *tinySchema) field(ctx context.Context, field graphql.CollectedField, of *ast.Definition) []byte {
	switch field.Name {
	case "__typename":
		return fmt.Appendf(nil, "%q", of.Name)
	case "__schema":
		if graphql.GetOperationContext(ctx).DisableIntrospection {
			graphql.AddError(ctx, errors.New("introspection disabled"))
			return []byte("null")
		}
		return []byte(`{"queryType":{"name":"Query"}}`)
	}
	s.runs.Add(1)
	value, err := s.resolvers[field.Name](ctx, field.ArgumentMap(graphql.GetOperationContext(ctx).Variables))
	if err != nil {
		graphql.AddError(ctx, err)
		return []byte("null")
	}
	if len(field.Selections) > 0 {
		return s.object(ctx, field.Selections, s.schema.Types[field.Definition.Type.Name()])
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		graphql.AddError(ctx, err)
		return []byte("null")
	}
	return encoded
}
