package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
	"redline/live"
)

// schema is an executable schema that behaves as gqlgen's generated ones do: a
// query's failure is data null with errors, a stream that can't be made is
// errors without data, a value of a stream is written when it is asked for.
type schema struct {
	broker *live.Broker
	parsed *ast.Schema
	// subscribed gets the argument name of each subscription once the broker has
	// it, and ended once the broker's channel has closed.
	subscribed, ended chan string
	// marked gets the id of the event mark when it is written as an answer.
	marked chan int64
	// hanging gets a word when the field hangs is being resolved.
	hanging chan struct{}
	// release lets a mutation works end, which tells hanging first.
	release chan struct{}
}

const sdl = `
type Query {
	hello: String!
	whoami: String!
	fails: String!
	hangs: String!
	panics: String!
	large(bytes: Int!): String!
}
type Mutation { bump(by: Int!): Int! works: String! }
type Subscription {
	"The ids of events, those divisible by every, with so many bytes of padding; that of mark is told of."
	events(name: String!, every: Int! = 1, bytes: Int! = 0, mark: Int! = 0): String!
	"As events, but what isn't divisible is left out by the resolver, not by the filter."
	picky(name: String!, every: Int! = 1, bytes: Int! = 0, mark: Int! = 0): String!
	countdown(from: Int!): Int!
	refused: Int!
	panics: Int!
	badFilter(name: String!): Int!
}
`

var errRefused = errors.New("no stream for you")

func newSchema(broker *live.Broker) *schema {
	return &schema{
		broker: broker, parsed: gqlparser.MustLoadSchema(&ast.Source{Input: sdl}),
		subscribed: make(chan string, 1000), ended: make(chan string, 1000),
		marked: make(chan int64, 1000), hanging: make(chan struct{}, 1000), release: make(chan struct{}, 1000),
	}
}

func (s *schema) Schema() *ast.Schema { return s.parsed }

func (s *schema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (s *schema) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	field := op.Operation.SelectionSet[0].(*ast.Field)
	args := arguments(field.ArgumentMap(op.Variables))
	if op.Operation.Operation == ast.Subscription {
		stream, err := s.stream(ctx, field.Name, args)
		if err != nil {
			graphql.AddError(ctx, err)
			return nil
		}
		return func(ctx context.Context) *graphql.Response {
			select {
			case value, ok := <-stream:
				if !ok {
					return nil
				}
				return &graphql.Response{Data: write(field.Alias, value())}
			case <-ctx.Done():
				return nil
			}
		}
	}
	answered := false
	return func(ctx context.Context) *graphql.Response {
		if answered {
			return nil
		}
		answered = true
		value, err := s.resolve(ctx, field.Name, args)
		if err != nil {
			graphql.AddError(ctx, err)
			return &graphql.Response{Data: []byte("null")}
		}
		graphql.RegisterExtension(ctx, "field", field.Name)
		return &graphql.Response{Data: write(field.Alias, value)}
	}
}

func (s *schema) resolve(ctx context.Context, field string, args arguments) (any, error) {
	switch field {
	case "hello":
		return "hello", nil
	case "whoami":
		p := redline.PrincipalFrom(ctx)
		return fmt.Sprintf("%s %s of %s in %s", p.Role, p.Subject, p.Issuer, redline.RequestIDFrom(ctx)), nil
	case "fails":
		return nil, errors.New("it failed")
	case "hangs":
		tell(s.hanging, struct{}{})
		<-ctx.Done()
		return nil, ctx.Err()
	case "works":
		tell(s.hanging, struct{}{})
		select {
		case <-s.release:
			return "done", nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case "large":
		return strings.Repeat("x", args.number("bytes")%(1<<20)), nil
	case "bump":
		return args.number("by") + 1, nil
	default:
		panic("the field " + field + " panics")
	}
}

func (s *schema) stream(ctx context.Context, field string, args arguments) (<-chan func() any, error) {
	out := make(chan func() any)
	switch field {
	case "events", "picky":
		name, every, padding := args["name"].(string), int64(args.number("every")), strings.Repeat("x", args.number("bytes")%(1<<20))
		events, err := s.broker.Subscribe(ctx, redline.EventLevel, func(e *redline.Event) bool {
			return field == "picky" || e.ID%every == 0
		})
		if err != nil {
			return nil, err
		}
		tell(s.subscribed, name)
		go func() {
			defer func() { tell(s.ended, name) }()
			defer close(out)
			for e := range events {
				if e.ID%every != 0 {
					continue
				}
				select {
				case out <- func() any {
					if e.ID == int64(args.number("mark")) {
						tell(s.marked, e.ID)
					}
					return fmt.Sprint(e.ID, " ", padding)
				}:
				case <-ctx.Done():
				}
			}
		}()
	case "countdown":
		go func() {
			defer close(out)
			for n := args.number("from"); n > 0; n-- {
				select {
				case out <- func() any { return n }:
				case <-ctx.Done():
					return
				}
			}
		}()
	case "refused":
		return nil, errRefused
	case "badFilter":
		events, err := s.broker.Subscribe(ctx, redline.EventLevel, func(*redline.Event) bool { panic("the filter panics") })
		if err != nil {
			return nil, err
		}
		tell(s.subscribed, args["name"].(string))
		go func() {
			defer close(out)
			for range events {
				panic("an event came through a filter that panics")
			}
		}()
	default:
		go func() {
			defer close(out)
			select {
			case out <- func() any { panic("the field " + field + " panics") }:
			case <-ctx.Done():
			}
		}()
	}
	return out, nil
}

// present shows that it was asked: every error of an answer has its mark.
func present(ctx context.Context, err error) *gqlerror.Error {
	shown := graphql.DefaultErrorPresenter(ctx, err)
	if shown.Extensions == nil {
		shown.Extensions = map[string]any{}
	}
	shown.Extensions["presented"] = true
	return shown
}

// tell says a word to whoever waits for it; the fuzz test doesn't.
func tell[T any](words chan<- T, word T) {
	select {
	case words <- word:
	default:
	}
}

type arguments map[string]any

func (a arguments) number(name string) int {
	var n int
	if _, err := fmt.Sscan(fmt.Sprint(a[name]), &n); err != nil {
		panic(err)
	}
	return n
}

func write(name string, value any) []byte {
	data, err := json.Marshal(map[string]any{name: value})
	if err != nil {
		panic(err)
	}
	return data
}
