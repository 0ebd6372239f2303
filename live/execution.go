package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
)

// What stands behind an "internal error" whose panic was logged already.
var errPanicked = errors.New("an operation panicked")

type executionKey struct{}

// execution is an operation that the executor has taken on. It belongs to one
// goroutine at a time: what gqlgen makes of an operation is not for several.
type execution struct {
	exec   graphql.GraphExecutor
	params *graphql.RawParams
	log    *slog.Logger
	// ctx carries the principal and the request's id.
	ctx       context.Context //nolint:containedctx // The executor asks for it at each answer.
	operation *graphql.OperationContext
	responses graphql.ResponseHandler
	// query is what a subscription's resolver wants to be told of, through Follow.
	query *redline.LiveQuery
}

// prepare parses and validates an operation. Where it is refused, errors says
// why, as it is shown.
func prepare(ctx context.Context, exec graphql.GraphExecutor, params *graphql.RawParams, log *slog.Logger) (x *execution, refused gqlerror.List) {
	// The executor changes the variables that it is given, and those that are begun
	// again are others' as well.
	own := *params
	own.Variables, _ = copied(params.Variables).(map[string]any)
	x = &execution{exec: exec, params: params, log: log}
	x.ctx = graphql.StartOperationTrace(context.WithValue(ctx, executionKey{}, x))
	var errs gqlerror.List
	if x.operation, errs = exec.CreateOperationContext(x.ctx, &own); len(errs) > 0 {
		return nil, present(x.ctx, exec, x.operation, errs, log)
	}
	if own.Query != params.Query {
		// The executor has looked it up by its hash, and may not have it any more when
		// the operation is begun again.
		asked := *params
		asked.Query = own.Query
		x.params = &asked
	}
	return x, nil
}

// copied copies what JSON is made of, as deep as it goes.
func copied(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return v
		}
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = copied(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, member := range v {
			out[i] = copied(member)
		}
		return out
	}
	return v
}

// live reports whether it is a subscription.
func (x *execution) live() bool { return x.operation.Operation.Operation == ast.Subscription }

// dispatch calls the resolvers of a subscription. Where they refuse it, errors
// says why.
func (x *execution) dispatch() (refused gqlerror.List) {
	x.responses, x.ctx = x.exec.DispatchOperation(graphql.WithOperationContext(x.ctx, x.operation), x.operation)
	if x.query == nil {
		// What its first answer says is why there is no stream.
		if r := x.responses(x.ctx); r != nil && len(r.Errors) > 0 {
			return r.Errors
		}
		return present(x.ctx, x.exec, x.operation, internalError(errors.New("a subscription follows nothing")), x.log)
	}
	return nil
}

// again begins the same operation once more, for somebody else who may see the
// same, or for the same one with other rights.
func (x *execution) again(ctx context.Context) (*execution, gqlerror.List) {
	another, refused := prepare(redline.WithResumed(ctx), x.exec, x.params, x.log)
	if refused == nil {
		refused = another.dispatch()
	}
	if refused != nil {
		return nil, refused
	}
	return another, nil
}

// errEnded is an execution that gives no more answers.
var errEnded = errors.New("the execution of a live operation has ended")

// tell has the executor say these things, of which there are at most TellMax: one
// answer for each, in their order. A panic in it is an error.
func (x *execution) tell(what []redline.Telling) (answers []*answer, err error) {
	defer func() {
		if r := recover(); r != nil {
			logPanic(x.ctx, x.log, "a live operation panicked", r)
			answers, err = nil, errPanicked
		}
	}()
	x.query.Tell(what)
	answers = make([]*answer, len(what))
	room := make([]answer, len(what))
	for i, t := range what {
		response := x.responses(x.ctx)
		switch {
		case response == nil:
			return nil, errEnded
		case response.Data == nil && len(response.Errors) > 0:
			// Not what is told, but why nothing is. An execution's data is null at least.
			return nil, response.Errors
		}
		a := &room[i]
		if a.payload, err = encodeResult(response, t.Cursor); err != nil {
			return nil, err
		}
		a.cursor = t.Cursor
		if e := t.Event; e == nil {
			a.caughtUp = true
		} else if !t.InState {
			a.id, a.subject = e.ID, e.Subject()
		}
		answers[i] = a
	}
	return answers, nil
}

// wants asks the operation whether it tells of an event, and survives it.
func (x *execution) wants(e *redline.Event) (wanted bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			logPanic(x.ctx, x.log, "a live operation's filter panicked", r)
			wanted, err = false, errPanicked
		}
	}()
	return x.query.Wants(e), nil
}

func logPanic(ctx context.Context, log *slog.Logger, what string, r any) {
	log.ErrorContext(ctx, what, "panic", r, "stack", string(debug.Stack()))
}

// present passes errors through the executor's presenter, as those of a
// response are. A presenter that panics is survived.
func present(ctx context.Context, exec graphql.GraphExecutor, op *graphql.OperationContext, list gqlerror.List, log *slog.Logger) (out gqlerror.List) {
	defer func() {
		if r := recover(); r != nil {
			logPanic(ctx, log, "panic while presenting errors", r)
			out = internalError(errPanicked)
		}
	}()
	if op == nil {
		op = &graphql.OperationContext{}
	}
	if response := exec.DispatchError(graphql.WithOperationContext(ctx, op), list); response != nil {
		return response.Errors
	}
	return nil
}

// internalError is what a client is told of a failure of ours. The cause is for
// the presenter to log.
func internalError(cause error) gqlerror.List {
	return gqlerror.List{{Err: cause, Message: "internal error"}}
}

// refusal is an error as GraphQL writes it: a domain error's own sentence and
// code, and of any other that it failed.
func refusal(err error) gqlerror.List {
	known, ok := errors.AsType[*redline.Error](err)
	if !ok {
		return internalError(err)
	}
	shown := &gqlerror.Error{Err: known, Message: known.Message, Extensions: map[string]any{"code": string(known.Code)}}
	return gqlerror.List{shown}
}

// Follow takes on what a subscription's resolver wants to be told of. ctx is
// the one that the resolver was given, and has to belong to a live operation; a
// resolver follows one query alone.
func (b *Broker) Follow(ctx context.Context, q *redline.LiveQuery) error {
	x, _ := ctx.Value(executionKey{}).(*execution)
	switch {
	case x == nil:
		return errors.New("following the event log: this is no live operation")
	case x.query != nil:
		return errors.New("following the event log: the operation follows it already")
	case !told[q.Type]:
		return fmt.Errorf("following the event log: nobody is told of events of the type %q", q.Type)
	}
	x.query = q
	return nil
}
