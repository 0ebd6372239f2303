package telemetry

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.opentelemetry.io/otel/trace"

	"redline"
)

// What came of an operation.
const (
	outcomeOK          = "ok"
	outcomeRefused     = "refused"     // with errors in its payload, or another domain error
	outcomeDenied      = "denied"      // the caller may not
	outcomeLimited     = "limited"     // it asks for too much, or too often
	outcomeInvalid     = "invalid"     // it isn't an operation of the schema
	outcomeUnavailable = "unavailable" // to be tried again
	outcomeError       = "error"       // our fault
)

// severity orders outcomes: of several errors the gravest counts.
var severity = map[string]int{
	outcomeOK: 0, outcomeRefused: 1, outcomeInvalid: 2, outcomeDenied: 3, outcomeLimited: 4, outcomeUnavailable: 5, outcomeError: 6,
}

// outcomeOf is the outcome that an error's code stands for.
func outcomeOf(code string) string {
	switch code {
	case "", "INTERNAL":
		return outcomeError
	case string(redline.CodeUnavailable), string(redline.CodeOutcomeUnknown):
		return outcomeUnavailable
	case string(redline.CodeUnauthenticated), string(redline.CodeForbidden):
		return outcomeDenied
	case "LIMIT_EXCEEDED", "RATE_LIMITED", "TOO_MANY_OPERATIONS":
		return outcomeLimited
	case "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_REQUEST", "PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_SUPPORTED":
		return outcomeInvalid
	default:
		return outcomeRefused
	}
}

// gravest is the outcome of an answer with these errors.
func gravest(errs gqlerror.List) string {
	outcome := outcomeOK
	for _, err := range errs {
		outcome = graver(outcome, outcomeOf(codeOf(err)))
	}
	return outcome
}

func graver(a, b string) string {
	if severity[b] > severity[a] {
		return b
	}
	return a
}

// codeOf is the code of an error as it is shown.
func codeOf(err *gqlerror.Error) string {
	switch code := err.Extensions["code"].(type) {
	case string:
		return code
	case redline.ErrorCode:
		return string(code)
	}
	return ""
}

// Types and names of operations that aren't known.
const (
	unknownType      = "unknown"
	invalidOperation = "invalid"
	severalFields    = "several"
)

// operation is one that is being run.
type operation struct {
	labels operationLabels
	began  time.Time
	span   trace.Span
	mu     sync.Mutex
	// outcome is what is known to have come of it so far.
	outcome string
	ended   bool
}

// note notes what has come of a part of it.
func (o *operation) note(outcome string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.outcome = graver(o.outcome, outcome)
}

// end reports what came of it in all, the first time that it is called.
func (o *operation) end(last string) (outcome string, first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	first, o.ended = !o.ended, true
	return graver(o.outcome, last), first
}

// operations is the extension that watches operations.
type operations struct{ *Telemetry }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
	graphql.OperationInterceptor
	graphql.ResponseInterceptor
	graphql.FieldInterceptor
} = operations{}

// Operations is an extension for an executor, to be used after all others: it counts,
// times and traces the operations of all transports.
func (t *Telemetry) Operations() graphql.HandlerExtension { return operations{t} }

// ExtensionName is how gqlgen calls it.
func (operations) ExtensionName() string { return "Telemetry" }

// Validate accepts any schema.
func (operations) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext notes which operation a request is for, whose outcome may
// come long after, or never. One that is begun again has its outcome already.
func (operations) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	if noted, ok := ctx.Value(requestKey).(*request); ok && !redline.Resumed(ctx) {
		noted.note(rootField(op.Operation), "")
	}
	return nil
}

// InterceptOperation runs around each operation that is let in.
func (o operations) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if redline.Resumed(ctx) {
		return next(ctx)
	}
	running := graphql.GetOperationContext(ctx)
	what := running.Operation
	op := &operation{labels: operationLabels{string(what.Operation), rootField(what)}, began: time.Now(), outcome: outcomeOK}
	ctx, op.span = o.beginOperation(ctx, op.labels, running)
	answers := next(context.WithValue(ctx, operationKey, op))
	if what.Operation == ast.Subscription {
		// It has begun, or never will.
		o.finish(ctx, op, outcomeOK)
	}
	return answers
}

// InterceptField runs around each root field.
func (operations) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	v, err := next(ctx)
	if err != nil && graphql.GetFieldContext(ctx).Object == "Subscription" {
		// gqlgen tells nobody of what a subscription is refused with.
		if op, ok := ctx.Value(operationKey).(*operation); ok {
			op.note(outcomeOfCause(err))
		}
	}
	return v, err
}

// outcomeOfCause is the outcome that an error stands for which isn't shown yet.
func outcomeOfCause(err error) string {
	if known, ok := errors.AsType[*redline.Error](err); ok {
		return outcomeOf(string(known.Code))
	}
	if shown, ok := errors.AsType[*gqlerror.Error](err); ok {
		return outcomeOf(codeOf(shown))
	}
	return outcomeError
}

// InterceptResponse runs around each answer, and around the errors of an operation
// that isn't let in.
func (o operations) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	answer := next(ctx)
	if op, ok := ctx.Value(operationKey).(*operation); ok {
		switch {
		case op.labels.kind == string(ast.Subscription):
		case answer == nil:
			o.finish(ctx, op, outcomeUnavailable)
		default:
			o.finish(ctx, op, gravest(answer.Errors))
		}
		return answer
	}
	what := graphql.GetOperationContext(ctx)
	// Errors are shown through here as well that no operation came in with.
	if answer == nil || redline.Resumed(ctx) || what.Stats.OperationStart.IsZero() {
		return answer
	}
	op := &operation{labels: operationLabels{unknownType, invalidOperation}, began: what.Stats.OperationStart, outcome: outcomeOK}
	if what.Operation != nil {
		op.labels.kind = string(what.Operation.Operation)
	}
	outcome := gravest(answer.Errors)
	if what.Operation != nil && outcome != outcomeInvalid {
		op.labels.name = rootField(what.Operation)
	}
	_, op.span = o.beginOperation(ctx, op.labels, what)
	o.finish(ctx, op, outcome)
	return answer
}

// Refused notes that a mutation is answered with errors in its payload.
func (t *Telemetry) Refused(ctx context.Context) {
	if op, ok := ctx.Value(operationKey).(*operation); ok {
		op.note(outcomeRefused)
	}
}

// finish counts an operation, once.
func (t *Telemetry) finish(ctx context.Context, op *operation, last string) {
	outcome, first := op.end(last)
	if !first {
		return
	}
	s := t.Metrics.series(op.labels)
	s.outcomes[severity[outcome]].Inc()
	s.seconds.Observe(time.Since(op.began).Seconds())
	endOperation(op.span, outcome)
	if noted, ok := ctx.Value(requestKey).(*request); ok {
		noted.note(op.labels.name, outcome)
	}
}

// fieldsDeep is how deep in fragments a root field is looked for.
const fieldsDeep = 4

// rootField is the name of an operation's root field, where it has one.
func rootField(op *ast.OperationDefinition) string {
	name := fieldOf(op.SelectionSet, "", fieldsDeep)
	if name == "" {
		return severalFields
	}
	return name
}

// fieldOf is the name of the one field of a selection, severalFields where there are
// several; found is one that was found before.
func fieldOf(selection ast.SelectionSet, found string, deep int) string {
	if deep == 0 {
		return severalFields
	}
	for _, s := range selection {
		name := ""
		switch s := s.(type) {
		case *ast.Field:
			name = s.Name
		case *ast.InlineFragment:
			name = fieldOf(s.SelectionSet, "", deep-1)
		case *ast.FragmentSpread:
			if s.Definition != nil {
				name = fieldOf(s.Definition.SelectionSet, "", deep-1)
			}
		}
		switch {
		case name == "":
		case found == "":
			found = name
		default:
			return severalFields
		}
	}
	return found
}

// operationLabels tell operations apart.
type operationLabels struct{ kind, name string }

// operationSeries are the series of one operation, found once.
type operationSeries struct {
	// outcomes are by severity.
	outcomes []prometheus.Counter
	seconds  prometheus.Observer
}

// outcomes are the series of all operations that were run. There are as many as the
// schema has root fields.
type outcomes struct {
	mu sync.RWMutex
	of map[operationLabels]*operationSeries
}

func (m *Metrics) series(l operationLabels) *operationSeries {
	all := &m.operationOutcomes
	all.mu.RLock()
	s := all.of[l]
	all.mu.RUnlock()
	if s != nil {
		return s
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if s = all.of[l]; s == nil {
		s = &operationSeries{outcomes: make([]prometheus.Counter, len(severity)), seconds: m.operationSeconds.WithLabelValues(l.kind, l.name)}
		for outcome, i := range severity {
			s.outcomes[i] = m.operations.WithLabelValues(l.kind, l.name, outcome)
		}
		all.of[l] = s
	}
	return s
}
