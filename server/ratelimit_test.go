package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"redline/limit"
	"redline/server"
)

// neverBack is a rate at which nothing comes back while a test runs.
const neverBack = 0.001

func limited(t *testing.T, principal, address int64) *served {
	t.Helper()
	o := limit.Options{}
	if principal > 0 {
		o.Principal = limit.Bucket{Rate: neverBack, Burst: principal}
	}
	if address > 0 {
		o.Address = limit.Bucket{Rate: neverBack, Burst: address}
	}
	l, err := limit.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, newRig(t, server.ExecOptions{RateLimiter: l}))
}

// An operation takes its cost, says what is left, and is refused with when to come
// again: with 429 whatever the media type, and with no resolver run.
func TestOperationsTakeTheirCost(t *testing.T) {
	t.Parallel()
	s := limited(t, 15, 0)
	as := http.Header{"Authorization": {goodToken}}
	first := s.do(t, call{body: bodyOf(t, "mutation { bump }"), header: as})
	var said struct {
		Extensions struct{ Cost map[string]float64 }
	}
	if err := json.Unmarshal([]byte(first.body), &said); err != nil {
		t.Fatal(err)
	}
	for member, want := range map[string]float64{"requested": 10, "limit": 15, "remaining": 5, "restorePerSecond": neverBack} {
		if got := said.Extensions.Cost[member]; got != want {
			t.Errorf("%s is %v, want %v: %s", member, got, want, first.body)
		}
	}
	runs := s.schema.runs.Load()
	for _, accept := range []string{"application/json", "application/graphql-response+json"} {
		header := as.Clone()
		header.Set("Accept", accept)
		got := s.do(t, call{body: bodyOf(t, "mutation { bump }"), header: header})
		got.wantError(t, http.StatusTooManyRequests, "RATE_LIMITED")
		response, _ := got.graphql(t)
		e := response.Errors[0].Extensions
		if wait, _ := e["retryAfterMs"].(float64); wait < 4_900_000 || e["by"] != "principal" || e["requestId"] == nil || !strings.HasPrefix(got.header.Get("Retry-After"), "49") && got.header.Get("Retry-After") != "5000" {
			t.Errorf("refused with %v, Retry-After %s", e, got.header.Get("Retry-After"))
		}
	}
	if s.schema.runs.Load() != runs || s.schema.bumps.Load() != 1 {
		t.Error("a resolver ran")
	}
	s.do(t, call{body: bodyOf(t, "{ hello }"), header: as}) // one of the 5 that are left
	s.query(t, "mutation { bump }")                         // who has no token has no bucket of that kind
	if s.schema.bumps.Load() != 2 {
		t.Error("somebody else was refused")
	}
}

// What never becomes an operation counts a point against its address, whatever is
// wrong with it, and once nothing is left not even a token is looked at.
func TestFaultsCountAgainstTheAddress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]call{
		"malformed":   {body: "{"},
		"a bad token": {body: bodyOf(t, "{ hello }"), header: http.Header{"Authorization": {badToken}}},
		"invalid":     {body: bodyOf(t, "{ nothing }")},
		"a syntax":    {body: bodyOf(t, "{")},
		"too large":   {body: bodyOf(t, nest(100))},
		"no query":    {method: http.MethodGet, path: "/graphql"},
		"OPTIONS":     {method: http.MethodOptions, path: "/graphql"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := limited(t, 0, 5)
			for range 6 {
				if got := s.do(t, c); got.status == http.StatusTooManyRequests {
					t.Fatalf("refused too soon: %s", got.body)
				}
			}
			got := s.do(t, c)
			got.wantError(t, http.StatusTooManyRequests, "RATE_LIMITED")
			if got.header.Get("Retry-After") == "" {
				t.Error("without Retry-After")
			}
			s.log.reset()
			got = s.do(t, call{body: bodyOf(t, "{ hello }"), header: http.Header{"Authorization": {badToken}}})
			got.wantError(t, http.StatusTooManyRequests, "RATE_LIMITED")
			if lines := s.log.lines(t, "token refused"); len(lines) > 0 {
				t.Errorf("the token was looked at: %v", lines)
			}
			if ready := s.do(t, call{method: http.MethodGet, path: server.PathHealth}); ready.status != http.StatusOK {
				t.Errorf("health is %d", ready.status)
			}
		})
	}
}

// A browser's preflights count against its address, and are answered also where nothing is
// left: its page could not be told why otherwise.
func TestPreflightsCountAgainstTheAddress(t *testing.T) {
	t.Parallel()
	l, err := limit.New(limit.Options{Address: limit.Bucket{Rate: neverBack, Burst: 5}})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, newRig(t, server.ExecOptions{RateLimiter: l}, func(o *server.Options) { o.Origins = origins(t, shopPage) }))
	for range 7 {
		if got := s.do(t, preflight(server.PathGraphQL, shopPage, http.MethodPost, "content-type")); got.status != http.StatusNoContent || got.header.Get("Access-Control-Allow-Origin") != shopPage {
			t.Fatalf("%d, %v", got.status, got.header)
		}
	}
	got := s.do(t, call{body: bodyOf(t, "{ hello }"), header: http.Header{"Origin": {shopPage}}})
	got.wantError(t, http.StatusTooManyRequests, "RATE_LIMITED")
	if got.header.Get("Access-Control-Allow-Origin") != shopPage {
		t.Error("the page isn't told why")
	}
}
