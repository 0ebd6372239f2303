package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

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
	// subscribed gets the argument name of each subscription whose resolver runs:
	// of each member's, and of each group's.
	subscribed chan string
	// marked gets the id of the event mark when it is written as an answer.
	marked chan int64
	// hanging gets a word when the field hangs is being resolved.
	hanging chan struct{}
	// release lets a mutation works end, which tells hanging first.
	release chan struct{}
	// asked is how often a subscription was asked whether it wants an event.
	asked atomic.Int64

	mu sync.Mutex
	// answers are how often the executor wrote an answer about an event.
	answers map[int64]int
	// state is what there is, for who wants a snapshot.
	state func(context.Context) (*redline.State, error)
	// telling is called before a subscription tells something.
	telling func(name string, what []redline.Telling)
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
enum Delivery { EVERY LATEST }
input Narrow { skus: [String!] low: Boolean }
type Subscription {
	"""
	The ids of levels' events, those divisible by every and of one of the products, with so many bytes of padding; that of
	mark is told of.
	"""
	events(
		name: String! = "", every: Int! = 1, bytes: Int! = 0, mark: Int! = 0, products: [String!], narrow: Narrow,
		after: String, snapshot: Boolean! = false, delivery: Delivery! = EVERY
	): String!
	"As events, but of orders."
	orders(
		name: String! = "", every: Int! = 1, bytes: Int! = 0, mark: Int! = 0, products: [String!],
		after: String, snapshot: Boolean! = false, delivery: Delivery! = EVERY
	): String!
	"As events, with whom they are told to, for those who have the scope inventory:read."
	scoped(
		name: String! = "", every: Int! = 1, bytes: Int! = 0, mark: Int! = 0, products: [String!],
		after: String, snapshot: Boolean! = false, delivery: Delivery! = EVERY
	): String!
	refused: Int!
	"Its resolver gives a stream that nothing is followed for."
	follows(what: String!): Int!
	"It panics when it tells something."
	panics(name: String! = ""): Int!
	badFilter(name: String! = ""): Int!
}
`

var errRefused = errors.New("no stream for you")

func newSchema(broker *live.Broker) *schema {
	return &schema{
		broker: broker, parsed: gqlparser.MustLoadSchema(&ast.Source{Input: sdl}),
		subscribed: make(chan string, 1000), answers: map[int64]int{},
		marked: make(chan int64, 1000), hanging: make(chan struct{}, 1000), release: make(chan struct{}, 1000),
	}
}

// change changes what subscriptions do.
func (s *schema) change(f func(*schema)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

// answered is how often the executor wrote an answer about an event.
func (s *schema) answered(id int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answers[id]
}

func (s *schema) Schema() *ast.Schema { return s.parsed }

func (s *schema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (s *schema) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	root := graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Query", "Mutation", "Subscription"})
	field := root[0]
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
	switch field {
	case "events":
		return s.follow(ctx, redline.EventLevel, args, "")
	case "orders":
		return s.follow(ctx, redline.EventOrder, args, "")
	case "scoped":
		p := redline.PrincipalFrom(ctx)
		if !p.Has(redline.ScopeInventoryRead) {
			return nil, redline.Errorf(redline.CodeForbidden, nil, "it takes the scope inventory:read")
		}
		return s.follow(ctx, redline.EventLevel, args, " for "+strings.Join(p.Suppliers, "+"))
	case "panics":
		return s.followWith(ctx, args, &redline.LiveQuery{
			Type: redline.EventLevel, Wants: func(*redline.Event) bool { return true },
			Tell: func(what []redline.Telling) {
				if what[0].Event != nil {
					panic("the field " + field + " panics")
				}
			},
		})
	case "badFilter":
		return s.followWith(ctx, args, &redline.LiveQuery{
			Type: redline.EventLevel, Wants: func(*redline.Event) bool { panic("the filter panics") }, Tell: func([]redline.Telling) {},
		})
	case "follows":
		follow := func(of string) error {
			return s.broker.Follow(ctx, &redline.LiveQuery{Type: of, Tell: func([]redline.Telling) {}})
		}
		switch args["what"] {
		case "places":
			return nil, follow(redline.EventPlaces)
		case "twice":
			return nil, errors.Join(follow(redline.EventLevel), follow(redline.EventLevel))
		case "outside":
			return nil, s.broker.Follow(context.Background(), &redline.LiveQuery{Type: redline.EventLevel})
		}
		closed := make(chan func() any)
		close(closed)
		return closed, nil
	default:
		return nil, errRefused
	}
}

// follow follows events of a type, as the arguments have it.
func (s *schema) follow(ctx context.Context, of string, args arguments, whom string) (<-chan func() any, error) {
	name, every, padding := args["name"].(string), int64(args.number("every")), strings.Repeat("x", args.number("bytes")%(1<<20))
	mark := int64(args.number("mark"))
	q := &redline.LiveQuery{
		Type: of, Snapshot: args["snapshot"] == true, Latest: args["delivery"] == "LATEST",
		Wants: func(e *redline.Event) bool {
			s.asked.Add(1)
			return e.ID%every == 0
		},
		State: func(ctx context.Context) (*redline.State, error) {
			s.mu.Lock()
			state := s.state
			s.mu.Unlock()
			return state(ctx)
		},
	}
	if after, ok := args["after"].(string); ok {
		q.After = &after
	}
	if products, ok := args["products"].([]any); ok {
		q.Terms = []redline.Term{}
		for _, p := range products {
			q.Terms = append(q.Terms, redline.Term{Kind: redline.TermProduct, Value: p.(string)})
		}
		all := q.Wants
		q.Wants = func(e *redline.Event) bool {
			return all(e) && slices.ContainsFunc(e.Terms(), func(t redline.Term) bool { return slices.Contains(q.Terms, t) })
		}
	}
	out := make(chan func() any, redline.TellMax)
	q.Tell = func(what []redline.Telling) {
		s.mu.Lock()
		telling := s.telling
		s.mu.Unlock()
		if telling != nil {
			telling(name, what)
		}
		for _, w := range what {
			out <- func() any {
				switch {
				case w.Event == nil:
					return "caught up"
				case w.InState:
					return "state " + w.Event.Subject()
				}
				s.change(func(s *schema) { s.answers[w.Event.ID]++ })
				if w.Event.ID == mark {
					tell(s.marked, mark)
				}
				return fmt.Sprint(w.Event.ID, whom, " ", padding)
			}
		}
	}
	if err := s.broker.Follow(ctx, q); err != nil {
		return nil, err
	}
	tell(s.subscribed, name)
	return out, nil
}

// followWith follows a query that has only to be told of being caught up.
func (s *schema) followWith(ctx context.Context, args arguments, q *redline.LiveQuery) (<-chan func() any, error) {
	out := make(chan func() any, redline.TellMax)
	inner := q.Tell
	q.Tell = func(what []redline.Telling) {
		inner(what)
		for range what {
			out <- func() any { return 0 }
		}
	}
	if err := s.broker.Follow(ctx, q); err != nil {
		return nil, err
	}
	tell(s.subscribed, args["name"].(string))
	return out, nil
}

// present shows that it was asked: every error of an answer has its mark. What a
// domain error says of itself is shown as the gateway shows it.
func present(ctx context.Context, err error) *gqlerror.Error {
	shown := graphql.DefaultErrorPresenter(ctx, err)
	if shown.Extensions == nil {
		shown.Extensions = map[string]any{}
	}
	shown.Extensions["presented"] = true
	if known, ok := errors.AsType[*redline.Error](err); ok {
		shown.Extensions["code"] = known.Code
		if len(known.Field) > 0 {
			shown.Extensions["field"] = known.Field
		}
	}
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
