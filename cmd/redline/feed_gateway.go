package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"redline"
)

const (
	// callTimeout is how long one call may take, with its answer.
	callTimeout = 60 * time.Second
	// callRetries is how often a call is made again that may fare better then,
	// at first after firstPause, and after twice as long each time, up to longestPause.
	// A gateway that names a pause of its own is given it, up to longestPause.
	callRetries  = 7
	firstPause   = 250 * time.Millisecond
	longestPause = 10 * time.Second
	// answerBytes is the longest answer that is read.
	answerBytes = 64 << 20
)

// gatewayClient asks a gateway with one token.
type gatewayClient struct {
	url, token string
	http       *http.Client
	// retries is how often a call is made again, -1 for as long as its context lasts.
	retries int
	err     io.Writer // where it says that it tries again
}

// newGateway refuses what no call could be made with.
func newGateway(address, token string, transport http.RoundTripper, io streams) (*gatewayClient, error) {
	to, err := url.Parse(address)
	if err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Host == "" {
		return nil, errors.New("--url is not an address such as http://127.0.0.1:8080")
	}
	token = strings.TrimSpace(token)
	if strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c >= 0x7F }) {
		return nil, errors.New("the token is not one: it has spaces or letters that no token has")
	}
	return &gatewayClient{url: to.JoinPath("graphql").String(), token: token, http: &http.Client{Transport: transport, Timeout: callTimeout}, retries: callRetries, err: io.err}, nil
}

// passing is a failure that the same call may not meet again.
type passing struct {
	message string
	after   time.Duration // as the gateway asks; 0 where it doesn't
}

func (p *passing) Error() string { return p.message }

// persevere calls until it is answered, or fails for good. A call that changes
// something carries a key, and changes it once.
func persevere[T any](ctx context.Context, g *gatewayClient, call func(context.Context) (T, error)) (T, error) {
	policy := retrypolicy.NewBuilder[T]().
		HandleIf(func(_ T, err error) bool {
			var p *passing
			return errors.As(err, &p) && ctx.Err() == nil
		}).
		WithMaxRetries(g.retries).
		WithBackoff(firstPause, longestPause).
		WithJitterFactor(0.1).
		WithDelayFunc(func(attempt failsafe.ExecutionAttempt[T]) time.Duration {
			var p *passing
			if errors.As(attempt.LastError(), &p) && p.after > 0 {
				return min(p.after, longestPause)
			}
			return -1 // as the backoff has it
		}).
		OnRetryScheduled(func(e failsafe.ExecutionScheduledEvent[T]) {
			fmt.Fprintf(g.err, "%v; trying again in %s\n", e.LastError(), e.Delay.Round(time.Millisecond))
		}).
		ReturnLastFailure().
		Build()
	return failsafe.With[T](policy).WithContext(ctx).Get(func() (T, error) { return call(ctx) })
}

// graphqlProblem is an error of a request.
type graphqlProblem struct {
	Message    string
	Extensions struct {
		Code         redline.ErrorCode
		RetryAfterMs int
	}
}

// ask makes one call and reads what came of it.
func (g *gatewayClient) ask(ctx context.Context, query string, variables any, into any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return fmt.Errorf("writing the request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking the gateway: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if g.token != "" {
		req.Header.Set("Authorization", "Bearer "+g.token)
	}
	resp, err := g.http.Do(req)
	if err != nil {
		return &passing{message: fmt.Sprintf("asking the gateway: %v", err)}
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerBytes))
	if err != nil {
		return &passing{message: fmt.Sprintf("reading the gateway's answer: %v", err)}
	}
	return understand(resp, text, into)
}

// understand reads an answer, and says whether one that failed may fare better.
func understand(resp *http.Response, text []byte, into any) error {
	var answer struct {
		Data   json.RawMessage
		Errors []graphqlProblem
	}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Errors) == 0 && len(answer.Data) == 0 {
		return failed(resp, "the gateway answered "+resp.Status)
	}
	if len(answer.Errors) > 0 {
		messages := make([]string, len(answer.Errors))
		for i, e := range answer.Errors {
			messages[i] = strings.TrimPrefix(string(e.Extensions.Code)+": "+e.Message, ": ")
		}
		message := strings.Join(messages, "; ")
		switch e := answer.Errors[0].Extensions; e.Code {
		case redline.CodeUnavailable, redline.CodeOutcomeUnknown:
			return &passing{message, time.Duration(e.RetryAfterMs) * time.Millisecond}
		}
		return failed(resp, message)
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return fmt.Errorf("reading the gateway's answer: %w", err)
	}
	return nil
}

// failed is a failure that passes where its status says so.
func failed(resp *http.Response, message string) error {
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // a date, or none: the backoff decides
		return &passing{message, time.Duration(seconds) * time.Second}
	}
	return errors.New(message)
}

// named is a supplier as the gateway names it.
type named struct{ ID, Code string }

// supplier finds the supplier whose stock is told: by its code, or the one that
// the token speaks for.
func (g *gatewayClient) supplier(ctx context.Context, code string) (string, string, error) {
	type answer struct {
		Viewer struct {
			Role      redline.Role
			Suppliers []named
		}
		Suppliers struct {
			Nodes    []named
			PageInfo struct {
				HasNextPage bool
				EndCursor   *string
			}
		}
	}
	const query = `query($after: String) { viewer { role suppliers { id code } }
		suppliers(first: 100, after: $after) { nodes { id code } pageInfo { hasNextPage endCursor } } }`
	var after *string
	for {
		a, err := persevere(ctx, g, func(ctx context.Context) (a answer, err error) {
			return a, g.ask(ctx, query, map[string]any{"after": after}, &a)
		})
		if err != nil {
			return "", "", fmt.Errorf("finding the supplier: %w", err)
		}
		among, own := a.Suppliers.Nodes, a.Viewer.Role == redline.RoleSupplier
		if own {
			among = a.Viewer.Suppliers
		}
		if code == "" && own && len(among) == 1 {
			return among[0].Code, among[0].ID, nil
		}
		if code == "" {
			return "", "", fmt.Errorf("give --supplier: the token is of the role %s and speaks for %d suppliers", a.Viewer.Role, len(a.Viewer.Suppliers))
		}
		for _, s := range among {
			if s.Code == code {
				return s.Code, s.ID, nil
			}
		}
		if own {
			return "", "", fmt.Errorf("the token doesn't speak for a supplier %q", code)
		}
		if !a.Suppliers.PageInfo.HasNextPage {
			return "", "", fmt.Errorf("there is no supplier %q", code)
		}
		after = a.Suppliers.PageInfo.EndCursor
	}
}

// feedInput is the contract's SupplierFeedInput.
type feedInput struct {
	IdempotencyKey string                    `json:"idempotencyKey"`
	SupplierID     string                    `json:"supplierId"`
	Mode           redline.FeedMode          `json:"mode"`
	Measure        redline.FeedMeasure       `json:"measure"`
	Sequence       *int64                    `json:"sequence,omitempty"`
	AsOf           time.Time                 `json:"asOf"`
	OnRowError     redline.OnRowError        `json:"onRowError"`
	DryRun         bool                      `json:"dryRun"`
	Rows           []redline.SupplierFeedRow `json:"rows"`
}

// feedPayload is what is asked of the contract's SupplierFeedPayload.
type feedPayload struct {
	Applied, Unchanged, Rejected, Emptied int
	Held, Replayed                        bool
	Conflicts                             []conflict
	Rows                                  []struct {
		Index      int
		UserErrors []userError
	}
	UserErrors []userError
}

type conflict struct {
	ID, Summary string
	Kind        redline.ConflictKind
	Status      redline.ConflictStatus
	Resolution  *string
	Facts       []struct{ Name, Value string }
}

type userError struct {
	Code         redline.ErrorCode
	Message      string
	Field        []string
	RetryAfterMs int
}

const feedMutation = `mutation($input: SupplierFeedInput!) { supplierFeedSubmit(input: $input) {
	applied unchanged rejected emptied held replayed conflicts { id kind status summary resolution facts { name value } }
	rows { index userErrors { code message field } }
	userErrors { code message field ... on IdempotencyError { retryAfterMs } } } }`

// submit sends one call's rows.
func (g *gatewayClient) submit(ctx context.Context, input feedInput) (*feedPayload, error) {
	return persevere(ctx, g, func(ctx context.Context) (*feedPayload, error) {
		var answer struct{ SupplierFeedSubmit *feedPayload }
		if err := g.ask(ctx, feedMutation, map[string]any{"input": input}, &answer); err != nil {
			return nil, fmt.Errorf("sending the feed: %w", err)
		}
		payload := answer.SupplierFeedSubmit
		if payload == nil {
			return nil, errors.New("sending the feed: the gateway's answer says nothing of it")
		}
		for _, e := range payload.UserErrors {
			if e.Code == redline.CodeIdempotencyInProgress {
				return nil, &passing{"the feed is being applied already", time.Duration(e.RetryAfterMs) * time.Millisecond}
			}
		}
		return payload, nil
	})
}
