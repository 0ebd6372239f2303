package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
	"redline/limit"
	"redline/server"
)

// tally is a rate limit that allows everything, and counts what it is asked.
type tally struct{ counted, looked, taken atomic.Int64 }

func (l *tally) Take(_ context.Context, points int64) redline.Allowance {
	l.taken.Add(points)
	return redline.Allowance{Allowed: true}
}
func (l *tally) Count(context.Context) { l.counted.Add(1) }
func (l *tally) Blocked(context.Context) redline.Allowance {
	l.looked.Add(1)
	return redline.Allowance{Allowed: true}
}

// toldStreams answers with the errors that it is to tell, or prepares the operation once
// more, as streams do.
type toldStreams struct{}

func (toldStreams) Serve(w http.ResponseWriter, r *http.Request, params *graphql.RawParams, refused gqlerror.List, exec graphql.GraphExecutor, _ bool) {
	if len(refused) == 0 {
		_, refused = exec.CreateOperationContext(graphql.StartOperationTrace(r.Context()), params)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": refused})
}

// ticketsOfNone gives tickets that open nothing.
type ticketsOfNone struct{}

func (ticketsOfNone) TicketIssue(context.Context, redline.Principal, redline.Operation) (string, time.Time, error) {
	return "ticket", time.Now(), nil
}

func (ticketsOfNone) TicketOpen(context.Context, string) (redline.Principal, redline.Operation, error) {
	return redline.Principal{}, redline.Operation{}, redline.Errorf(redline.CodeUnauthenticated, nil, "no such ticket")
}

// Whatever a request is refused for, it is counted, and once; and its address is looked
// at once, by whoever comes first.
func TestEachFaultCountsOnce(t *testing.T) {
	t.Parallel()
	streaming, asGood := http.Header{"Accept": {"text/event-stream"}}, http.Header{"Authorization": {goodToken}}
	for name, test := range map[string]struct {
		call   call
		status int
	}{
		"nothing there":                 {call{method: http.MethodGet, path: "/nothing"}, http.StatusNotFound},
		"another method":                {call{method: http.MethodPut}, http.StatusMethodNotAllowed},
		"not acceptable":                {call{body: bodyOf(t, "{ hello }"), header: http.Header{"Accept": {"text/html"}}}, http.StatusNotAcceptable},
		"a mutation by GET":             {call{method: http.MethodGet, path: "/graphql?query=" + url.QueryEscape("mutation { bump }")}, http.StatusMethodNotAllowed},
		"an invalid mutation by GET":    {call{method: http.MethodGet, path: "/graphql?query=" + url.QueryEscape("mutation($a: Boolean!) { bump @include(if: $a) }")}, http.StatusMethodNotAllowed},
		"a subscription, no stream":     {call{body: bodyOf(t, "subscription { ticks }")}, http.StatusBadRequest},
		"invalid":                       {call{body: bodyOf(t, "{ nothing }")}, http.StatusBadRequest},
		"invalid, in a stream":          {call{body: bodyOf(t, "{ nothing }"), header: streaming}, http.StatusOK},
		"invalid subscription":          {call{body: bodyOf(t, "subscription($a: Boolean!) { ticks @include(if: $a) }"), header: streaming}, http.StatusOK},
		"a ticket":                      {call{path: server.PathTicket, body: bodyOf(t, "subscription { ticks }"), header: asGood}, http.StatusOK},
		"a ticket for what isn't valid": {call{path: server.PathTicket, body: bodyOf(t, "{ nothing }"), header: asGood}, http.StatusBadRequest},
		"a ticket for nobody":           {call{path: server.PathTicket, body: bodyOf(t, "subscription { ticks }")}, http.StatusUnauthorized},
		"a ticket by GET":               {call{path: server.PathTicket, method: http.MethodGet}, http.StatusMethodNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &tally{}
			s := serve(t, newRig(t, server.ExecOptions{RateLimiter: l}, func(o *server.Options) { o.Streams, o.Tickets = toldStreams{}, ticketsOfNone{} }))
			if got := s.do(t, test.call); got.status != test.status {
				t.Errorf("%d %s, want %d", got.status, got.body, test.status)
			}
			if l.counted.Load() != 1 || l.looked.Load() != 1 || l.taken.Load() != 0 {
				t.Errorf("counted %d times, looked at %d times, %d points taken", l.counted.Load(), l.looked.Load(), l.taken.Load())
			}
		})
	}
}

// What was refused once isn't prepared again by the stream: a text that somebody gives
// the hash meanwhile isn't run under rules that were looked at before.
func TestStreamsTellWhyTheyWereRefused(t *testing.T) {
	t.Parallel()
	l, err := limit.New(limit.Options{Address: limit.Bucket{Rate: neverBack, Burst: 10}})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, newRig(t, server.ExecOptions{RateLimiter: l}, func(o *server.Options) { o.Streams = toldStreams{} }))
	for range 10 {
		got := s.do(t, call{body: bodyOf(t, "{ nothing }"), header: http.Header{"Accept": {"text/event-stream"}}})
		response, _ := got.graphql(t)
		if len(response.Errors) != 1 || response.Errors[0].Extensions["code"] != "GRAPHQL_VALIDATION_FAILED" || response.Errors[0].Extensions["requestId"] == nil {
			t.Errorf("told %s", got.body)
		}
	}
}
