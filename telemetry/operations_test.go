package telemetry_test

import (
	"context"
	"maps"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"redline"
	"redline/telemetry"
)

const operations = "redline_operations_total"

// Each operation is counted once, by the gravest of its errors.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for outcome, each := range map[string][][]string{
		"ok":          {nil},
		"refused":     {{"NOT_FOUND"}, {"INVALID"}, {"CURSOR_EXPIRED"}},
		"invalid":     {{"BAD_REQUEST"}, {"PERSISTED_QUERY_NOT_FOUND"}, {"NOT_FOUND", "GRAPHQL_VALIDATION_FAILED"}},
		"denied":      {{"UNAUTHENTICATED"}, {"FORBIDDEN"}, {"FORBIDDEN", "NOT_FOUND"}, {"INVALID", "FORBIDDEN"}},
		"limited":     {{"LIMIT_EXCEEDED"}, {"RATE_LIMITED"}, {"TOO_MANY_OPERATIONS"}, {"RATE_LIMITED", "FORBIDDEN"}},
		"unavailable": {{"UNAVAILABLE"}, {"OUTCOME_UNKNOWN"}, {"RATE_LIMITED", "UNAVAILABLE", "NOT_FOUND"}},
		"error":       {{"INTERNAL"}, {""}, {"INTERNAL", "UNAVAILABLE"}, {"UNAVAILABLE", ""}},
	} {
		for _, codes := range each {
			tel := watched(t, telemetry.Options{})
			run(t.Context(), tel, `{ viewer }`, failing(codes...), 2) // the second answer is a part that came later
			want := map[string]float64{`operation="viewer",outcome="` + outcome + `",type="query"`: 1}
			if got := counted(t, tel, operations); !maps.Equal(got, want) {
				t.Errorf("errors %q are counted as %v", codes, got)
			}
			if got := counted(t, tel, "redline_operation_duration_seconds_count"); !maps.Equal(got, map[string]float64{`operation="viewer",type="query"`: 1}) {
				t.Errorf("errors %q are timed as %v", codes, got)
			}
		}
	}
}

// What is refused in a mutation's payload is no error, and counts all the same; an
// error beside it counts more.
func TestOutcomeOfARefusedMutation(t *testing.T) {
	t.Parallel()
	for outcome, codes := range map[string][]string{"refused": nil, "unavailable": {"UNAVAILABLE"}} {
		tel := watched(t, telemetry.Options{})
		run(t.Context(), tel, `mutation { orderPlace }`, func(ctx context.Context) graphql.ResponseHandler {
			tel.Refused(ctx)
			return failing(codes...)(ctx)
		}, 1)
		want := map[string]float64{`operation="orderPlace",outcome="` + outcome + `",type="mutation"`: 1}
		if got := counted(t, tel, operations); !maps.Equal(got, want) {
			t.Errorf("with errors %q it is counted as %v", codes, got)
		}
	}
}

// A query that isn't answered in time is counted as well.
func TestOutcomeOfNoAnswer(t *testing.T) {
	t.Parallel()
	tel := watched(t, telemetry.Options{})
	run(t.Context(), tel, `{ viewer }`, func(context.Context) graphql.ResponseHandler {
		return func(context.Context) *graphql.Response { return nil }
	}, 1)
	want := map[string]float64{`operation="viewer",outcome="unavailable",type="query"`: 1}
	if got := counted(t, tel, operations); !maps.Equal(got, want) {
		t.Errorf("it is counted as %v", got)
	}
}

// A subscription is counted when it begins, whatever it is told, and with what it is
// refused with. One that the gateway begins again for somebody is counted no more.
func TestOutcomesOfSubscriptions(t *testing.T) {
	t.Parallel()
	refused := func(err error) func(context.Context) graphql.ResponseHandler {
		return func(ctx context.Context) graphql.ResponseHandler {
			field := graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Subscription"})
			_, _ = graphql.GetOperationContext(ctx).ResolverMiddleware(field, func(context.Context) (any, error) { return nil, err })
			return func(context.Context) *graphql.Response { return nil }
		}
	}
	for outcome, resolve := range map[string]func(context.Context) graphql.ResponseHandler{
		"ok":     failing("INTERNAL"), // of an event, not of the subscription
		"denied": refused(redline.Errorf(redline.CodeForbidden, nil, "no")),
		"error":  refused(context.Canceled),
	} {
		tel := watched(t, telemetry.Options{})
		run(t.Context(), tel, `subscription { orderChanged }`, resolve, 3)
		run(redline.WithResumed(t.Context()), tel, `subscription { orderChanged }`, resolve, 3)
		want := map[string]float64{`operation="orderChanged",outcome="` + outcome + `",type="subscription"`: 1}
		if got := counted(t, tel, operations); !maps.Equal(got, want) {
			t.Errorf("it is counted as %v, want %v", got, want)
		}
	}
}

// Nothing that a caller makes up is a label.
func TestOperationsAreNamedByTheirRootFields(t *testing.T) {
	t.Parallel()
	const named, several = `operation="viewer",outcome="ok",type="query"`, `operation="several",outcome="ok",type="query"`
	const invalid = `operation="invalid",outcome="invalid",type="unknown"`
	for query, want := range map[string]string{
		`query MadeUp { viewer }`:                                       named,
		`{ madeUp: viewer }`:                                            named,
		`{ ...MadeUp } fragment MadeUp on Query { viewer }`:             named,
		`{ ... on Query { ... on Query { viewer } } }`:                  named,
		`{ viewer orders }`:                                             several,
		`{ a: viewer b: viewer }`:                                       several,
		`{ viewer ...MadeUp } fragment MadeUp on Query { orders }`:      several,
		`{ ...on Query{...on Query{...on Query{...on Query{viewer}}}}}`: several, // too deep to look
		`query MadeUp { madeUp }`:                                       invalid,
		`{`:                                                             invalid,
		``:                                                              invalid,
		`madeUp { viewer }`:                                             invalid,
	} {
		tel := watched(t, telemetry.Options{})
		run(t.Context(), tel, query, failing(), 1)
		if got := counted(t, tel, operations); !maps.Equal(got, map[string]float64{want: 1}) {
			t.Errorf("%s is counted as %v, want %s", query, got, want)
		}
	}
}
