package graph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
	"redline/graph/generated"
	"redline/graph/model"
	"redline/telemetry"
)

// userErrorTypes is the contract's table: the type of each code of ErrorCode.
var userErrorTypes = map[redline.ErrorCode]any{
	redline.CodeInvalid:               &model.InvalidInput{},
	redline.CodeNotFound:              &model.NotFound{},
	redline.CodeForbidden:             &model.GenericUserError{},
	redline.CodeInsufficientStock:     &model.InsufficientStock{},
	redline.CodeVersionMismatch:       &model.VersionMismatch{},
	redline.CodeInvalidTransition:     &model.InvalidTransition{},
	redline.CodeIdempotencyKeyReused:  &model.IdempotencyError{},
	redline.CodeIdempotencyInProgress: &model.IdempotencyError{},
	redline.CodeUnmappedSKU:           &model.GenericUserError{},
	redline.CodePackMismatch:          &model.GenericUserError{},
	redline.CodeDuplicate:             &model.GenericUserError{},
	redline.CodeReservationExpired:    &model.GenericUserError{},
	redline.CodeSequenceStale:         &model.GenericUserError{},
}

// TestUserErrors: each code of the contract has its type, with the facts.
func TestUserErrors(t *testing.T) {
	t.Parallel()
	for _, code := range generated.NewExecutableSchema(generated.Config{}).Schema().Types["ErrorCode"].EnumValues {
		e := redline.Errorf(redline.ErrorCode(code.Name), []string{"lines", "2"}, "a sentence")
		e.Product, e.Requested, e.Available = &redline.Product{ID: "p"}, 4, 3
		e.Expected, e.Actual = 5, 6
		e.From, e.To, e.Allowed = "A", "B", []string{"C"}
		e.RetryAfter = 7 * time.Millisecond

		shown, ok := userErrors(fmt.Errorf("placing: %w", e))
		if !ok || len(shown) != 1 {
			t.Fatalf("%s is shown as %v", code.Name, shown)
		}
		want := userErrorTypes[e.Code]
		if want == nil || reflect.TypeOf(shown[0]) != reflect.TypeOf(want) {
			t.Errorf("%s is a %T, want a %T", code.Name, shown[0], want)
		}
		v := reflect.ValueOf(shown[0]).Elem()
		facts := map[string]any{
			"Code": e.Code, "Message": e.Message, "Field": e.Field, "Product": e.Product, "Requested": 4, "Available": 3,
			"Expected": 5, "Actual": 6, "From": "A", "To": "B", "Allowed": e.Allowed, "RetryAfterMs": 7,
		}
		for i := range v.NumField() {
			name, got := v.Type().Field(i).Name, reflect.Indirect(v.Field(i))
			if name == "Product" {
				got = v.Field(i)
			}
			if !reflect.DeepEqual(got.Interface(), facts[name]) {
				t.Errorf("%s: %s is %v, want %v", code.Name, name, got.Interface(), facts[name])
			}
		}
	}
}

// TestErrorsThatNoInputMends are errors of the request.
func TestErrorsThatNoInputMends(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		errors.New("pq: something"),
		redline.Errorf(redline.CodeOutcomeUnknown, nil, "unknown"),
		redline.Errorf(redline.CodeUnavailable, nil, "unavailable"),
		redline.Errorf(redline.CodeUnauthenticated, nil, "no token"),
		redline.Errors{redline.Invalid(nil, "a"), redline.Errorf(redline.CodeUnavailable, nil, "b")},
	} {
		if shown, ok := userErrors(err); ok {
			t.Errorf("%v is shown as %v", err, shown)
		}
	}
	several := redline.Errors{redline.Invalid(nil, "a"), redline.NotFound(nil, "b")}
	if shown, ok := userErrors(several); !ok || len(shown) != len(several) {
		t.Errorf("%v is shown as %v", several, shown)
	}
	// A shortage that doesn't say of what has no place in InsufficientStock.
	if shown, _ := userErrors(redline.ErrShort); shown[0].(*model.GenericUserError).Code != redline.CodeInsufficientStock {
		t.Errorf("a bare shortage is shown as %v", shown)
	}
}

// TestErrorPresenter: what callers are shown of each kind of error, and what
// the log is told.
func TestErrorPresenter(t *testing.T) {
	t.Parallel()
	secret := errors.New("pq: password of 10.0.0.7 is wrong")
	ctx := graphql.WithFieldContext(redline.WithRequestID(t.Context(), "request-1"), &graphql.FieldContext{
		Field: graphql.CollectedField{Field: &ast.Field{Alias: "list", Name: "products"}},
	})
	at := func(err error, path ...ast.PathElement) error {
		return gqlerror.WrapPath(append(ast.Path{ast.PathName("list")}, path...), err)
	}
	plain := gqlerror.Errorf("Cannot query field")
	cases := []struct {
		name       string
		err        error
		message    string
		extensions map[string]any
		logged     bool
	}{
		{"domain", redline.NotFound([]string{"id"}, "no such thing"), "no such thing",
			map[string]any{"code": "NOT_FOUND", "field": []string{"id"}}, false},
		{"domain, in an argument", at(redline.Invalid(nil, "bad"), ast.PathName("ids"), ast.PathIndex(3)), "bad",
			map[string]any{"code": "INVALID", "field": []string{"ids", "3"}}, false},
		{"several", redline.Errors{redline.Invalid(nil, "a"), redline.Invalid(nil, "b")}, "a; b", map[string]any{"code": "INVALID"}, false},
		{"to be tried again", &redline.Error{Code: redline.CodeOutcomeUnknown, Message: "call again", RetryAfter: time.Second}, "call again",
			map[string]any{"code": "OUTCOME_UNKNOWN", "retryAfterMs": int64(1000)}, false},
		{"domain with a cause", redline.Errorf(redline.CodeUnavailable, nil, "later").Because(secret), "later",
			map[string]any{"code": "UNAVAILABLE"}, true},
		{"unknown", fmt.Errorf("reading: %w", secret), "internal error", map[string]any{"code": "INTERNAL", "requestId": "request-1"}, true},
		{"unknown, located", at(fmt.Errorf("reading: %w", secret)), "internal error",
			map[string]any{"code": "INTERNAL", "requestId": "request-1"}, true},
		{"panic, logged before", at(errPanicked), "internal error", map[string]any{"code": "INTERNAL", "requestId": "request-1"}, false},
		{"gone away", fmt.Errorf("reading: %w", context.Canceled), "the request ended before it was answered",
			map[string]any{"code": "UNAVAILABLE"}, false},
		{"GraphQL's own, which has no code", plain, plain.Message, map[string]any{"code": "GRAPHQL_VALIDATION_FAILED"}, false},
	}
	for _, c := range cases {
		var log bytes.Buffer
		shown := ErrorPresenter(slog.New(telemetry.LogHandler(slog.NewTextHandler(&log, nil))))(ctx, c.err)
		if shown.Message != c.message || !reflect.DeepEqual(shown.Extensions, c.extensions) {
			t.Errorf("%s: shown as %q with %v", c.name, shown.Message, shown.Extensions)
		}
		if logged := strings.Contains(log.String(), secret.Error()); logged != c.logged {
			t.Errorf("%s: logged %v: %s", c.name, logged, &log)
		}
		if c.logged && !strings.Contains(log.String(), "request-1") {
			t.Errorf("%s: the log doesn't name the request: %s", c.name, &log)
		}
		if !errors.Is(c.err, plain) && !slices.Equal(shown.Path, ast.Path{ast.PathName("list")}) {
			t.Errorf("%s: the path is %v", c.name, shown.Path)
		}
	}
}

// What GraphQL says without a code is given one, and otherwise passes as it is.
func TestErrorsOfGraphQLHaveACode(t *testing.T) {
	t.Parallel()
	present := ErrorPresenter(slog.New(slog.DiscardHandler))
	for code, err := range map[string]*gqlerror.Error{
		"GRAPHQL_VALIDATION_FAILED": gqlerror.Errorf("no operation provided"),
		"ODD":                       {Message: "odd", Extensions: map[string]any{"code": "ODD"}},
	} {
		message := err.Message
		if shown := present(t.Context(), err); shown.Extensions["code"] != code || shown.Message != message {
			t.Errorf("shown as %v, want %s", shown, code)
		}
	}
}
