package server_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"redline/server"
)

func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for name, test := range map[string]struct{ body, word string }{
		"nothing":                  {"", "empty"},
		"blanks":                   {" \n", "empty"},
		"not JSON":                 {"SECRET", "not valid JSON"},
		"cut short":                {`{"query":"SECRET`, "not valid JSON"},
		"a byte order mark":        {"\ufeff" + `{"query":"{ hello }"}`, "not valid JSON"},
		"not UTF-8":                {"{\"query\":\"SECRET\xff\"}", "UTF-8"},
		"something after it":       {`{"query":"{ hello }"}SECRET`, "byte 22"},
		"another after it":         {`{"query":"{ hello }"}{}`, "not valid JSON"},
		"a trailing comma":         {`{"query":"{ hello }",}`, "not valid JSON"},
		"a comment":                {`{/*SECRET*/"query":"{ hello }"}`, "not valid JSON"},
		"single quotes":            {`{'query':'SECRET'}`, "not valid JSON"},
		"a batch":                  {`[{"query":"{ SECRET }"}]`, "batches"},
		"an empty batch":           {`[]`, "batches"},
		"a string":                 {`"SECRET"`, "must be a JSON object"},
		"a number":                 {`17`, "must be a JSON object"},
		"null":                     {`null`, "must be a JSON object"},
		"no query":                 {`{"qeury":"SECRET"}`, "query is missing"},
		"another case":             {`{"Query":"SECRET"}`, "query is missing"},
		"query is null":            {`{"query": null}`, "query must be a string"},
		"query is a number":        {`{"query": 17}`, "query must be a string"},
		"query is an object":       {`{"query": {"SECRET": 1}}`, "query must be a string"},
		"operationName is a list":  {`{"query":"{ hello }","operationName":["SECRET"]}`, "operationName must be a string"},
		"operationName is false":   {`{"query":"{ hello }","operationName":false}`, "operationName must be a string"},
		"variables is a list":      {`{"query":"{ hello }","variables": [7] }`, "variables must be an object"},
		"variables is a string":    {`{"query":"{ hello }","variables":"SECRET"}`, "variables must be an object"},
		"extensions is a number":   {`{"query":"{ hello }","extensions":17}`, "extensions must be an object"},
		"two queries":              {`{"query":"{ hello }","query":"SECRET"}`, "query is there more than once"},
		"two spellings of query":   {`{"query":"{ hello }","qu\u0065ry":"SECRET"}`, "query is there more than once"},
		"two variables":            {`{"query":"{ hello }","variables":null,"variables":{}}`, "variables is there more than once"},
		"deep lists":               {strings.Repeat("[", 100_000), "nested too deeply"},
		"deep lists, closed":       {strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), "nested too deeply"},
		"deep objects":             {strings.Repeat(`{"a":`, 100_000), "nested too deeply"},
		"deep variables":           {`{"query":"{ hello }","variables":{"a":` + strings.Repeat("[", 100_000), "nested too deeply"},
		"deep unknown member":      {`{"query":"{ hello }","a":` + strings.Repeat("[", 100_000), "nested too deeply"},
		"a control character":      {"{\"query\":\"SECRET\x01\"}", "not valid JSON"},
		"an unfinished escape":     {`{"query":"SECRET\u12"}`, "not valid JSON"},
		"a number that is none":    {`{"query":"{ hello }","variables":{"SECRET":01}}`, "not valid JSON"},
		"NaN":                      {`{"query":"{ hello }","variables":{"SECRET":NaN}}`, "not valid JSON"},
		"a number beyond all size": {`{"query":"{ hello }","variables":1e999999999}`, "variables must be an object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, accept := range []string{typeGraphQL, typeJSON} {
				got := s.do(t, call{body: test.body, header: http.Header{"Accept": {accept}}})
				got.wantError(t, http.StatusBadRequest, "BAD_REQUEST", test.word)
				if strings.Contains(got.body, "SECRET") {
					t.Errorf("the body is repeated: %s", got.body)
				}
				if got.header.Get("Content-Type") != accept {
					t.Errorf("Content-Type %q", got.header.Get("Content-Type"))
				}
			}
		})
	}
	if ran := s.schema.runs.Load(); ran != 0 {
		t.Errorf("%d resolvers ran", ran)
	}
}

func TestContentTypes(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for _, test := range []struct {
		header http.Header
		taken  bool
	}{
		{http.Header{"Content-Type": {"application/json"}}, true},
		{http.Header{"Content-Type": {"Application/JSON; Charset=\"UTF-8\""}}, true},
		{http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"identity"}}, true},
		{http.Header{"Content-Type": nil}, false},
		{http.Header{"Content-Type": {""}}, false},
		{http.Header{"Content-Type": {"application/json", "text/plain"}}, false},
		{http.Header{"Content-Type": {"application/json; charset=latin1"}}, false},
		{http.Header{"Content-Type": {"application/json; charset=utf-8; charset=latin1"}}, false},
		{http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, false},
		{http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, false},
		{http.Header{"Content-Type": {"text/plain"}}, false},
		{http.Header{"Content-Type": {"application/graphql"}}, false},
		{http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, false},
	} {
		t.Run(fmt.Sprint(test.header), func(t *testing.T) {
			t.Parallel()
			got := s.do(t, call{body: bodyOf(t, "{ hello }"), header: test.header})
			if test.taken {
				got.want(t, http.StatusOK, `{"data":{"hello":"world"}}`)
				return
			}
			got.wantError(t, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE")
			if got.header.Get("Accept-Post") != "application/json" {
				t.Errorf("Accept-Post %q", got.header.Get("Accept-Post"))
			}
		})
	}
}

// A body that says beforehand that it is too large is refused before it is
// sent: the client here never sends any of it.
func TestTooLargeBodyIsRefusedUnread(t *testing.T) {
	t.Parallel()
	s := start(t, newRig(t, server.ExecOptions{}))
	conn := s.dial(t)
	fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", 10<<20)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	read(t, response).wantError(t, http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "4194304")
	if !response.Close {
		t.Error("the connection is kept, with the body still to come")
	}
}

func TestTooLargeBodyOfUnknownLength(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	request := call{}.request(t, s.url)
	request.Body = io.NopCloser(io.LimitReader(endlessBlanks{}, 10<<20))
	request.ContentLength = -1
	response, err := s.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	read(t, response).wantError(t, http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE")
}

type endlessBlanks struct{}

func (endlessBlanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestLargestBodyIsTaken(t *testing.T) {
	t.Parallel()
	const limit = 1000
	s := newServed(t, func(o *server.Options) { o.MaxBodyBytes = limit })
	body := bodyOf(t, "{ hello }")
	body += strings.Repeat(" ", limit-len(body))
	s.do(t, call{body: body}).want(t, http.StatusOK, `{"data":{"hello":"world"}}`)
	s.do(t, call{body: body + " "}).wantError(t, http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE")
}

// TestManySmallValues: a body within its bytes may still be too much to hold:
// the shortest values take some fifty times as much in memory.
func TestManySmallValues(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	body := func(values int) string {
		return `{"query":"{ hello }","variables":{"a":{` + strings.TrimSuffix(strings.Repeat(`"a":{},`, values), ",") + `}}}`
	}
	list := func(entries int) string {
		return `{"query":"{ hello }","variables":{"a":[` + strings.TrimSuffix(strings.Repeat("{},", entries), ",") + `]}}`
	}
	s.do(t, call{body: list(20_000)}).want(t, http.StatusOK, `{"data":{"hello":"world"}}`)
	s.do(t, call{body: list(20_001)}).wantError(t, http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "a list more than 20000")
	s.do(t, call{body: body(249_997)}).want(t, http.StatusOK, `{"data":{"hello":"world"}}`)
	s.do(t, call{body: body(249_998)}).wantError(t, http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "250000 values")
	s.do(t, call{body: body(550_000)}).wantError(t, http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "250000 values")
}

func TestSlowBodyIsGivenUp(t *testing.T) {
	t.Parallel()
	s := start(t, newRig(t, server.ExecOptions{}, func(o *server.Options) {
		o.HeaderTimeout, o.BodyTimeout = 50*time.Millisecond, 50*time.Millisecond
	}))
	conn := s.dial(t)
	fmt.Fprint(conn, "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	read(t, response).wantError(t, http.StatusRequestTimeout, "REQUEST_TIMEOUT", "in time")
}

func TestBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	s := start(t, newRig(t, server.ExecOptions{}))
	conn := s.dial(t)
	fmt.Fprint(conn, "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	read(t, response).wantError(t, http.StatusBadRequest, "BAD_REQUEST", "broke off")
}

// What a refusal repeats of a well-formed request is short, however long the
// name or the value that it is about.
func TestRefusalsStaySmall(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	long := "a" + strings.Repeat("é", 200_000) // cut in the middle of a letter, unless care is taken
	name := strings.Repeat("x", 60_000)
	encode := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for what, body := range map[string]string{
		"an operation's name": encode(map[string]any{"query": "{ hello }", "operationName": long}),
		"an enum":             encode(map[string]any{"query": "query($a: Color) { echo(color: $a) }", "variables": map[string]any{"a": long}}),
		"an input's name": encode(map[string]any{"query": "query($a: Filter) { echo(filter: $a) }",
			"variables": map[string]any{"a": map[string]any{"name": "a", long: 1}}}),
		"a field":            bodyOf(t, "{"+name+"}"),
		"a literal":          bodyOf(t, `{ echo(number: "`+name+`") }`),
		"a misplaced string": bodyOf(t, `{ hello } "`+name+`"`),
		"a flood of errors":  bodyOf(t, "{ user {"+manyNames(300)+"} }"),
	} {
		got := s.do(t, call{body: body})
		if got.status != http.StatusBadRequest || len(got.body) > 6_000 {
			t.Errorf("%s: %d with %d bytes", what, got.status, len(got.body))
		}
		if strings.Contains(got.body, "\ufffd") {
			t.Errorf("%s: a letter is cut in half", what)
		}
		if response, _ := got.graphql(t); len(response.Errors) == 0 || len(response.Errors) > 10 {
			t.Errorf("%s: %d errors", what, len(response.Errors))
		}
	}
}

func manyNames(count int) string {
	var names strings.Builder
	for i := range count {
		fmt.Fprintf(&names, "nope%d ", i)
	}
	return names.String()
}
