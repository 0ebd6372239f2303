package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"

	gql "github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"redline"
	"redline/graph"
	"redline/telemetry"
)

// Most operations in these tests are refused, or answered, before a repository
// would be asked: there is none. Whatever did ask one would panic, and the
// answer say INTERNAL.

// room is the room with an executor and what it logs.
type room struct {
	*graph.Graph
	exec *executor.Executor
	log  *logged
}

func newRoom(live graph.Live) *room { return furnished(nil, live) }

// furnished is a room with a repository.
func furnished(store graph.Store, live graph.Live) *room {
	log := &logged{}
	g := graph.New(graph.Options{Store: store, Live: live, Log: slog.New(telemetry.LogHandler(slog.NewTextHandler(log, nil)))})
	return &room{Graph: g, exec: g.Executor(), log: log}
}

// logged is a log that several goroutines write.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// reply is an answer as a client reads it.
type reply struct {
	Data   json.RawMessage `json:"data"`
	Errors []replyError    `json:"errors"`
}

type replyError struct {
	Message    string `json:"message"`
	Path       []any  `json:"path"`
	Extensions struct {
		Code    string `json:"code"`
		Limit   string `json:"limit"`
		Value   int    `json:"value"`
		Maximum int    `json:"maximum"`

		RetryAfterMs *int     `json:"retryAfterMs"`
		Field        []string `json:"field"`
		RequestID    string   `json:"requestId"`
	} `json:"extensions"`
}

// codes lists the codes of the errors.
func (r reply) codes() []string {
	codes := []string{}
	for _, e := range r.Errors {
		codes = append(codes, e.Extensions.Code)
	}
	return codes
}

// start begins an operation as a transport does. Each call of the result is
// one answer, nil at the end.
func (r *room) start(ctx context.Context, p redline.Principal, query, variables string) func() *reply {
	ctx = gql.StartOperationTrace(redline.WithPrincipal(ctx, p))
	params := &gql.RawParams{Query: query}
	if variables != "" {
		d := json.NewDecoder(bytes.NewBufferString(variables))
		d.UseNumber()
		if err := d.Decode(&params.Variables); err != nil {
			panic(err)
		}
	}
	op, refused := r.exec.CreateOperationContext(ctx, params)
	if refused != nil {
		return once(read(r.exec.DispatchError(gql.WithOperationContext(ctx, op), refused)))
	}
	responses, ctx := r.exec.DispatchOperation(ctx, op)
	return func() *reply { return read(responses(ctx)) }
}

// run runs a query or a mutation.
func (r *room) run(t *testing.T, p redline.Principal, query, variables string) reply {
	t.Helper()
	answer := r.start(t.Context(), p, query, variables)()
	if answer == nil {
		t.Fatalf("%s: no answer", query)
	}
	return *answer
}

func once(answer *reply) func() *reply {
	return func() *reply {
		a := answer
		answer = nil
		return a
	}
}

func read(response *gql.Response) *reply {
	if response == nil {
		return nil
	}
	b, err := json.Marshal(response)
	if err != nil {
		panic(err)
	}
	out := &reply{}
	if err := json.Unmarshal(b, out); err != nil {
		panic(err)
	}
	return out
}

// principal makes a principal with a role's scopes, or with those named.
func principal(role redline.Role, scopes ...string) redline.Principal {
	p := redline.Principal{Issuer: "tests", Subject: "somebody", Role: role, Scopes: scopes}
	if len(scopes) == 0 {
		p.Scopes = redline.DefaultScopes(role)
	}
	switch role {
	case redline.RoleSupplier:
		p.Suppliers = []string{"acme"}
	case redline.RoleCustomer:
		p.Customer = "customer-1"
	}
	return p
}

// eventLog is an event log in memory: it has those who follow it told of what is
// appended, as the live engine does.
type eventLog struct {
	mu        sync.Mutex
	head      int64
	followers []*redline.LiveQuery
	// joined gets a value for each follower.
	joined chan struct{}
}

func newEventLog() *eventLog { return &eventLog{joined: make(chan struct{}, 100)} }

func (l *eventLog) Follow(_ context.Context, q *redline.LiveQuery) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.followers = append(l.followers, q)
	l.joined <- struct{}{}
	return nil
}

func (l *eventLog) append(e *redline.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.head = e.ID
	for _, q := range l.followers {
		if e.Type() == q.Type && q.Wants(e) {
			q.Tell([]redline.Telling{{Event: e, Cursor: l.Cursor(e.ID)}})
		}
	}
}

// tell has all followers told the same.
func (l *eventLog) tell(what ...redline.Telling) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range l.followers {
		q.Tell(what)
	}
}

func (l *eventLog) Head() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

func (l *eventLog) Cursor(id int64) string { return redline.Cursor{Epoch: 1, ID: id}.String() }

func ptr[T any](v T) *T { return &v }
