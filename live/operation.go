package live

import (
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
)

// codeTooManyOperations is the code of the error for an operation beyond
// MaxOperations.
const codeTooManyOperations redline.ErrorCode = "TOO_MANY_OPERATIONS"

// What stands behind an "internal error" whose panic was logged already.
var (
	errPanicked       = errors.New("an operation panicked")
	errFilterPanicked = errors.New("a subscription's filter panicked")
)

type operationKey struct{}

// stage is how far an operation has come.
type stage int

const (
	stageRead    stage = iota // it may still be refused, and has done nothing
	stageRunning              // a query or a mutation: it is let finish
	stageStream               // a subscription
)

// operation is one query, mutation or subscription on a socket.
type operation struct {
	socket *socket
	// id as the client chose it, and as JSON.
	id     string
	idJSON []byte
	// principal is whom it runs for, from its beginning to its end.
	principal redline.Principal
	ctx       context.Context //nolint:containedctx // It is the operation's lifetime, which others end.
	cancel    context.CancelFunc
	// began is the broker's head when it began: where it resumes from unless a
	// subscription says better.
	began int64
	// stage is guarded by the socket's mu.
	stage stage

	mu      sync.Mutex
	streams []*subscription
}

// operationFrom returns the operation that ctx belongs to, or nil.
func operationFrom(ctx context.Context) *operation {
	op, _ := ctx.Value(operationKey{}).(*operation)
	return op
}

// newOperation makes an operation of the socket's present principal. The caller
// holds the socket's mu.
func (s *socket) newOperation(id string) *operation {
	op := &operation{
		socket: s, id: id, idJSON: idJSON(id),
		principal: s.principal, began: s.transport.broker.Head(),
	}
	ctx := redline.WithPrincipal(context.WithValue(s.ctx, operationKey{}, op), op.principal)
	op.ctx, op.cancel = context.WithCancel(ctx)
	return op
}

// idJSON writes an id as JSON.
func idJSON(id string) []byte {
	b, err := json.Marshal(id)
	if err != nil {
		panic(err) // encoding/json writes every string
	}
	return b
}

// follow makes the operation resume from where the subscription is.
func (op *operation) follow(s *subscription) {
	op.mu.Lock()
	defer op.mu.Unlock()
	op.streams = append(op.streams, s)
}

// position is the id of the event from which the operation can resume. What its
// outbox holds counts as delivered.
func (op *operation) position() int64 {
	head := op.socket.transport.broker.Head()
	op.mu.Lock()
	defer op.mu.Unlock()
	if len(op.streams) == 0 {
		return op.began
	}
	for _, s := range op.streams {
		head = min(head, s.position(head))
	}
	return head
}

// answered says that an answer is in the outbox. Of several streams nobody can
// tell whose it is, and the operation stays where it is.
func (op *operation) answered() {
	op.mu.Lock()
	defer op.mu.Unlock()
	if len(op.streams) == 1 {
		op.streams[0].answered()
	}
}

// streamEnded is called by the broker when it ends a subscription by itself.
func (op *operation) streamEnded(why ending) {
	switch why {
	case endSlow:
		op.socket.interrupt(CloseSlowReader, "Too slow")
	case endClosed:
		op.socket.interrupt(CloseRestart, "Service restart")
	case endReset:
		// Without a cursor: there is nothing to go on from.
		op.socket.close(CloseRestart, "")
	case endPanicked:
		op.finish(op.errorMessage(op.present(nil, internalError(errFilterPanicked))))
	}
}

// run is the operation's goroutine.
func (op *operation) run(params *graphql.RawParams) {
	defer op.socket.work.Done()
	op.finish(op.execute(params))
}

// execute executes the operation, sends its answers, and returns its last
// message: complete, or error, after which there is no complete.
func (op *operation) execute(params *graphql.RawParams) (last []byte) {
	var opCtx *graphql.OperationContext
	defer func() {
		if r := recover(); r != nil {
			last = op.errorMessage(op.present(opCtx, op.recovered(opCtx, r)))
		}
	}()
	ctx := graphql.StartOperationTrace(op.ctx)
	opCtx, errs := op.socket.exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		return op.errorMessage(op.present(opCtx, errs))
	}
	streaming := opCtx.Operation.Operation == ast.Subscription
	if !op.begin(streaming) {
		return nil
	}
	if !streaming {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, op.socket.transport.options.RequestTimeout)
		defer cancel()
	}
	responses, ctx := op.socket.exec.DispatchOperation(graphql.WithOperationContext(ctx, opCtx), opCtx)
	response := responses(ctx)
	if response == nil && !streaming {
		return op.errorMessage(op.present(opCtx,
			refusal(redline.CodeUnavailable, "the operation was not begun in time")))
	}
	for ; response != nil; response = responses(ctx) {
		if response.Data == nil && len(response.Errors) > 0 {
			// Refused before it was executed: a resolver that gave no stream,
			// or an interceptor. An execution's data is null at least.
			return op.errorMessage(response.Errors)
		}
		payload, err := json.Marshal(response)
		if err != nil {
			return op.errorMessage(op.present(opCtx, internalError(err)))
		}
		if !op.answer(encode(typeNext, op.idJSON, payload)) {
			return nil
		}
		if !streaming && (response.HasNext == nil || !*response.HasNext) {
			break
		}
	}
	return encode(typeComplete, op.idJSON, nil)
}

// begin notes what the operation is, and reports whether it may run: not where
// somebody has ended it meanwhile.
func (op *operation) begin(streaming bool) bool {
	s := op.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || s.operations[op.id] != op {
		return false
	}
	op.stage = stageRunning
	if streaming {
		op.stage = stageStream
		s.drained()
	}
	return true
}

// answer queues an answer, and reports whether it was: not after the operation's
// end, whoever ended it.
func (op *operation) answer(data []byte) bool {
	s := op.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	m := op.message(data)
	m.answer = true
	if s.operations[op.id] != op || !s.sendLocked(m) {
		return false
	}
	op.answered()
	return true
}

// finish ends the operation with its last message, and frees its id in the same
// moment: a client that has the message may use the id again. Where somebody
// else ended it before, it does nothing.
func (op *operation) finish(last []byte) {
	s := op.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.operations[op.id] != op {
		return
	}
	s.sendLocked(op.message(last))
	op.silence()
}

// message is one of the operation's, with the position before it.
func (op *operation) message(data []byte) message {
	return message{kind: websocket.TextMessage, data: data, id: op.id, position: op.position()}
}

// silence ends the operation without a word. The caller holds the socket's mu.
func (op *operation) silence() {
	delete(op.socket.operations, op.id)
	op.cancel()
	op.socket.drained()
}

func (op *operation) errorMessage(list gqlerror.List) []byte {
	return encode(typeError, op.idJSON, encodeErrors(list))
}

func (op *operation) present(opCtx *graphql.OperationContext, list gqlerror.List) gqlerror.List {
	return op.socket.present(op.ctx, opCtx, list)
}

// recovered turns a panic into an error, by the executor's own way where it has
// said it. Called while the panic is being recovered, so that the stack is its.
func (op *operation) recovered(opCtx *graphql.OperationContext, r any) gqlerror.List {
	if opCtx != nil && opCtx.RecoverFunc != nil {
		return internalError(opCtx.RecoverFunc(op.ctx, r))
	}
	op.socket.transport.options.Logger.ErrorContext(op.ctx, "panic in an operation",
		"panic", r, "requestId", redline.RequestIDFrom(op.ctx), "stack", string(debug.Stack()))
	return internalError(errPanicked)
}

// present passes errors through the executor's presenter, as those of a
// response are. A presenter that panics is survived.
func (s *socket) present(ctx context.Context, opCtx *graphql.OperationContext, list gqlerror.List) (out gqlerror.List) {
	defer func() {
		if r := recover(); r != nil {
			s.transport.options.Logger.ErrorContext(ctx, "panic while presenting errors",
				"panic", r, "requestId", redline.RequestIDFrom(ctx), "stack", string(debug.Stack()))
			out = internalError(errPanicked)
		}
	}()
	if opCtx == nil {
		opCtx = &graphql.OperationContext{}
	}
	if response := s.exec.DispatchError(graphql.WithOperationContext(ctx, opCtx), list); response != nil {
		return response.Errors
	}
	return nil
}

// internalError is what a client is told of a failure of ours. The cause is for
// the presenter to log.
func internalError(cause error) gqlerror.List {
	return gqlerror.List{{Err: cause, Message: "internal error"}}
}

// refusal is a domain error as GraphQL writes it.
func refusal(code redline.ErrorCode, sentence string) gqlerror.List {
	return gqlerror.List{{
		Err:        redline.Errorf(code, nil, "%s", sentence),
		Message:    sentence,
		Extensions: map[string]any{"code": string(code)},
	}}
}
