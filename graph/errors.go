package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
)

const (
	// codeInternal is the code of what isn't the caller's doing.
	codeInternal = "INTERNAL"
	// codeLimitExceeded is the code of what asks for too much.
	codeLimitExceeded = "LIMIT_EXCEEDED"
)

// errPanicked stands for a panic that was logged already.
var errPanicked = errors.New("a resolver panicked")

// ErrorPresenter turns errors into the top-level errors of an answer. A domain
// error shows its code, its sentence and, in extensions.field, the path into
// the arguments. What GraphQL itself says of a document passes as it is. All
// else is "internal error" with the request's id, and its cause is logged. What
// fails after a change was made says that the change stands, whatever else it is.
func ErrorPresenter(log *slog.Logger) graphql.ErrorPresenterFunc {
	present := presenter(log)
	return func(ctx context.Context, err error) *gqlerror.Error {
		shown := present(ctx, err)
		var after *unread
		if errors.As(err, &after) {
			reason := "only reading it back failed"
			if shown.Extensions["code"] == codeLimitExceeded {
				reason = shown.Message
			}
			shown.Message = "the change was made and stands; " + reason
			// To read again is not to change again.
			delete(shown.Extensions, "retryAfterMs")
		}
		return shown
	}
}

func presenter(log *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		var located *gqlerror.Error
		if !errors.As(err, &located) {
			located = gqlerror.WrapPath(graphql.GetPath(ctx), err)
		}
		shown := &gqlerror.Error{Path: located.Path, Locations: located.Locations, Extensions: map[string]any{}}
		field := shown.Path
		if fc := graphql.GetFieldContext(ctx); fc != nil {
			// gqlgen's path runs on into the arguments; an answer's path ends at the field.
			shown.Path = fc.Path()
		}
		field = field[min(len(field), len(shown.Path)):]

		var refusal *redline.Error
		var large tooLarge
		switch {
		case errors.As(err, &refusal):
			showRefusal(shown, err, refusal, field)
			if cause := errors.Unwrap(refusal); cause != nil {
				log.WarnContext(ctx, "a request was refused for a cause of ours",
					"code", string(refusal.Code), "error", cause, "path", shown.Path.String())
			}
			return shown
		case errors.As(err, &large):
			shown.Message = large.Error()
			shown.Extensions["code"] = codeLimitExceeded
			shown.Extensions["limit"] = "answer"
			shown.Extensions["value"] = int64(large)
			shown.Extensions["maximum"] = valuesMax
			return shown
		case located.Err == nil:
			// Of what GraphQL itself says, some is without a code.
			if located.Extensions["code"] == nil {
				errcode.Set(located, errcode.ValidationFailed)
			}
			return located
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
			shown.Message = "the request ended before it was answered"
			shown.Extensions["code"] = string(redline.CodeUnavailable)
			return shown
		case introspects(ctx):
			shown.Message = "introspection is not open to this caller"
			shown.Extensions["code"] = string(redline.CodeForbidden)
			return shown
		}
		if !errors.Is(err, errPanicked) {
			log.ErrorContext(ctx, "a field failed", "error", err, "path", shown.Path.String())
		}
		shown.Message = "internal error"
		shown.Extensions["code"] = codeInternal
		if id := redline.RequestIDFrom(ctx); id != "" {
			shown.Extensions["requestId"] = id
		}
		return shown
	}
}

// showRefusal fills in what a domain error says for itself.
func showRefusal(shown *gqlerror.Error, err error, refusal *redline.Error, into ast.Path) {
	shown.Message = refusal.Message
	var several redline.Errors
	if errors.As(err, &several) {
		texts := make([]string, len(several))
		for i, one := range several {
			texts[i] = one.Message
		}
		shown.Message = strings.Join(texts, "; ")
	}
	shown.Extensions["code"] = string(refusal.Code)
	if field := append(steps(into), refusal.Field...); len(field) > 0 {
		shown.Extensions["field"] = field
	}
	if refusal.RetryAfter > 0 {
		shown.Extensions["retryAfterMs"] = refusal.RetryAfter.Milliseconds()
	}
}

// steps writes a path as the contract writes one into an input.
func steps(path ast.Path) []string {
	out := make([]string, len(path))
	for i, step := range path {
		switch step := step.(type) {
		case ast.PathName:
			out[i] = string(step)
		case ast.PathIndex:
			out[i] = strconv.Itoa(int(step))
		}
	}
	return out
}

// introspects reports whether the field under way is one of the schema about
// itself; gqlgen's only error there is that it is closed.
func introspects(ctx context.Context) bool {
	fc := graphql.GetFieldContext(ctx)
	return fc != nil && fc.Field.Field != nil && (fc.Field.Name == "__schema" || fc.Field.Name == "__type")
}

// RecoverFunc logs a resolver's panic with its stack, and makes it an
// "internal error" of its field.
func RecoverFunc(log *slog.Logger) graphql.RecoverFunc {
	return func(ctx context.Context, v any) error {
		logPanic(ctx, log, v)
		return errPanicked
	}
}

func logPanic(ctx context.Context, log *slog.Logger, v any) {
	path := ""
	if fc := graphql.GetFieldContext(ctx); fc != nil {
		path = fc.Path().String()
	}
	log.ErrorContext(ctx, "a resolver panicked",
		"panic", fmt.Sprint(v), "path", path, "stack", string(debug.Stack()))
}
