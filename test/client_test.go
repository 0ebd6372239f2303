package test_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// web is the HTTP client of all tests.
var web = &http.Client{
	Timeout:   patience,
	Transport: &http.Transport{MaxIdleConnsPerHost: 128},
}

// caller asks one server with one token, or none.
type caller struct {
	url   string
	token string
	// client is web unless it is set.
	client *http.Client
	// traceparent is sent along, if there is one.
	traceparent string
}

func (s *server) as(token string) caller {
	return caller{url: "http://" + s.addr + "/graphql", token: token}
}

// vars are the variables of an operation, and any JSON object.
type vars = map[string]any

// answer is what came of a request.
type answer struct {
	status int
	header http.Header
	body   string
	data   any
	errors []graphqlError
}

type graphqlError struct {
	Message    string
	Path       []any
	Extensions struct {
		Code  string
		Field []string
	}
}

// send posts a body as it is.
func (c caller) send(ctx context.Context, contentType string, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", contentType)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.traceparent != "" {
		req.Header.Set("traceparent", c.traceparent)
	}
	resp, err := cmp.Or(c.client, web).Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(text)}
	return a, a.parse(text)
}

func (a *answer) parse(text []byte) error {
	var parsed struct {
		Data   any
		Errors []graphqlError
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&parsed); err != nil {
		return fmt.Errorf("the answer isn't JSON: %w: %.200s", err, text)
	}
	a.data, a.errors = parsed.Data, parsed.Errors
	return nil
}

// try asks, and gives back whatever comes of it.
func (c caller) try(ctx context.Context, query string, v vars) (answer, error) {
	body, err := json.Marshal(vars{"query": query, "variables": v})
	if err != nil {
		return answer{}, err
	}
	return c.send(ctx, "application/json", body)
}

// tell asks and wants an answer, of whatever kind.
func (c caller) tell(t testing.TB, query string, v vars) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	a, err := c.try(ctx, query, v)
	if err != nil {
		t.Fatalf("%v, for %s", err, query)
	}
	return a
}

// ask asks and wants an answer without errors.
func (c caller) ask(t testing.TB, query string, v vars) answer {
	t.Helper()
	a := c.tell(t, query, v)
	if len(a.errors) > 0 || a.status != http.StatusOK {
		t.Fatalf("status %d, %s\nfor %s %v", a.status, a.body, query, v)
	}
	return a
}

// do runs a mutation that takes one input, and wants it to succeed. selection
// is what to read of the payload beside its errors; data is the payload.
func (c caller) do(t testing.TB, mutation string, input vars, selection string) answer {
	t.Helper()
	a := c.attempt(t, mutation, input, selection)
	if refused := a.list("userErrors"); len(a.errors) > 0 || len(refused) > 0 {
		t.Fatalf("%s was refused: %s\nfor %v", mutation, a.body, input)
	}
	return a
}

// attempt runs a mutation, which may be refused.
func (c caller) attempt(t testing.TB, mutation string, input vars, selection string) answer {
	t.Helper()
	a := c.tell(t, mutationText(mutation, selection), vars{"input": input})
	a.data = at(a.data, mutation)
	return a
}

// inputTypes are the mutations whose input's name doesn't follow from theirs.
var inputTypes = map[string]string{
	"supplierFeedSubmit":       "SupplierFeedInput",
	"orderSetStatus":           "OrderStatusInput",
	"fulfillmentOrderAccept":   "FulfillmentOrderRespondInput",
	"fulfillmentOrderReject":   "FulfillmentOrderRespondInput",
	"fulfillmentMarkShipped":   "FulfillmentShippedInput",
	"fulfillmentMarkDelivered": "FulfillmentDeliveredInput",
	"fulfillmentMarkFailed":    "FulfillmentEndInput",
	"fulfillmentCancel":        "FulfillmentEndInput",

	"fulfillmentOrderAcceptCancellation": "FulfillmentOrderRespondInput",
	"fulfillmentOrderRejectCancellation": "FulfillmentOrderRespondInput",
}

func mutationText(name, selection string) string {
	input := inputTypes[name]
	if input == "" {
		input = strings.ToUpper(name[:1]) + name[1:] + "Input"
	}
	return fmt.Sprintf(`mutation($input: %s!) { %s(input: $input) { %s replayed userErrors { __typename code message field
		... on InsufficientStock { requested available } ... on InvalidTransition { from to allowed }
		... on VersionMismatch { expected actual } } } }`, input, name, selection)
}

// codes are the codes of the request's errors.
func (a answer) codes() []string {
	var out []string
	for _, e := range a.errors {
		out = append(out, e.Extensions.Code)
	}
	return out
}

// refusals are the codes of the payload's errors, where data is a payload.
func (a answer) refusals() []string {
	var out []string
	for _, e := range a.list("userErrors") {
		out = append(out, text(e, "code"))
	}
	return out
}

// parsed reads any JSON.
func parsed(t testing.TB, b []byte) any {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (a answer) text(path string) string { return text(a.data, path) }
func (a answer) num(path string) int     { return num(a.data, path) }
func (a answer) list(path string) []any  { return list(a.data, path) }
func (a answer) flag(path string) bool   { b, _ := at(a.data, path).(bool); return b }

// at follows a path with dots into JSON; nil where it leads nowhere.
func at(v any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

func text(v any, path string) string { s, _ := at(v, path).(string); return s }

func list(v any, path string) []any { l, _ := at(v, path).([]any); return l }

// num is a number, and -1 where there is none: quantities and versions never
// are negative.
func num(v any, path string) int {
	n, ok := at(v, path).(json.Number)
	if !ok {
		return -1
	}
	i, err := strconv.Atoi(n.String())
	if err != nil {
		return -1
	}
	return i
}

// pages reads a whole connection. query takes $after and has one root field.
func (c caller) pages(t testing.TB, root, query string, v vars) []any {
	t.Helper()
	v = mergeVars(v, nil)
	var all []any
	for {
		a := c.ask(t, query, v)
		all = append(all, a.list(root+".nodes")...)
		if more, _ := at(a.data, root+".pageInfo.hasNextPage").(bool); !more {
			return all
		}
		v["after"] = a.text(root + ".pageInfo.endCursor")
	}
}

func mergeVars(a, b vars) vars {
	out := vars{}
	for _, m := range []vars{a, b} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// settle asks again with the same key until the outcome is known: while the
// server is away, the key in work, or the answer lost.
func (c caller) settle(t testing.TB, query string, v vars) answer {
	t.Helper()
	var a answer
	eventually(t, "settling "+query, func(ctx context.Context) bool {
		var err error
		if a, err = c.try(ctx, query, v); err != nil {
			return false
		}
		return !transient(a)
	})
	return a
}

// transient reports whether an answer asks to be asked again.
func transient(a answer) bool {
	for _, code := range a.codes() {
		if code == "UNAVAILABLE" || code == "OUTCOME_UNKNOWN" {
			return true
		}
	}
	return strings.Contains(a.body, "IDEMPOTENCY_IN_PROGRESS")
}

var errNotReady = errors.New("not ready")

// probe asks /readyz.
func (s *server) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := web.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return errNotReady
	}
	return nil
}
