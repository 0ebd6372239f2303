package server

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
)

// readPost reads the request out of a POST. Only JSON is taken: a form or a
// text can be sent across sites without asking, JSON can't (CSRF).
func (s *Server) readPost(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *failure) {
	if f := requireJSON(r.Header); f != nil {
		return nil, f
	}
	began := graphql.Now()
	body := borrowBuffer()
	defer body.giveBack()
	if f := s.readBody(w, r, body); f != nil {
		return nil, f
	}
	params, f := parseBody(body.Bytes())
	if f != nil {
		return nil, f
	}
	params.ReadTime = graphql.TraceTiming{Start: began, End: graphql.Now()}
	return params, nil
}

// requireJSON refuses a body that isn't plain JSON in UTF-8.
func requireJSON(header http.Header) *failure {
	refusal := func(message string) *failure {
		return &failure{
			status:  http.StatusUnsupportedMediaType,
			code:    codeMediaType,
			message: message,
			header:  http.Header{"Accept-Post": {mediaJSON}},
		}
	}
	given := header.Values("Content-Type")
	if len(given) != 1 {
		return refusal("one Content-Type is needed, and it must be application/json")
	}
	if given[0] != mediaJSON {
		mediaType, parameters, err := mime.ParseMediaType(given[0])
		if err != nil || mediaType != mediaJSON {
			return refusal("the Content-Type must be application/json")
		}
		if !isUTF8(parameters["charset"]) {
			return refusal("the charset must be utf-8")
		}
	}
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return refusal("the body must not be compressed")
	}
	return nil
}

// readBody reads no more than MaxBodyBytes, and nothing at all where the
// client says beforehand that there will be more.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, into *buffer) *failure {
	limit := s.options.MaxBodyBytes
	if r.ContentLength > limit {
		return bodyTooLarge(limit)
	}
	_, err := into.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return bodyTooLarge(limit)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &failure{
			status:  http.StatusRequestTimeout,
			code:    codeTimeout,
			message: "the body did not arrive in time",
			header:  http.Header{"Connection": {"close"}},
		}
	}
	return badRequest("the body broke off")
}

// bodyTooLarge refuses a body of which no more is read.
func bodyTooLarge(limit int64) *failure {
	f := tooLarge("the body is larger than %d bytes", limit)
	f.header = http.Header{"Connection": {"close"}}
	return f
}

func tooLarge(format string, args ...any) *failure {
	return &failure{status: http.StatusRequestEntityTooLarge, code: codeTooLarge, message: fmt.Sprintf(format, args...)}
}

// stopReadTimer ends the time that the client has to send its request, once it
// has. Otherwise net/http, which goes on listening for the client to hang up,
// would take the end of that time for a hang-up and cancel the operation.
func stopReadTimer(w http.ResponseWriter) error {
	err := http.NewResponseController(w).SetReadDeadline(time.Time{})
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("lifting the read deadline: %w", err)
	}
	return nil
}

// readGet reads the request out of the URL of a GET. An empty parameter is as
// good as none. It is nil where the URL has a ticket in place of a request.
func readGet(r *http.Request) (*graphql.RawParams, *failure) {
	began := graphql.Now()
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("the URL's query string is malformed")
	}
	for _, name := range requestMembers {
		if len(values[name]) > 1 {
			return nil, badRequest("%s is there more than once", name)
		}
		if !utf8.ValidString(values.Get(name)) {
			return nil, badRequest("%s is not UTF-8", name)
		}
	}
	if values.Get(memberTicket) != "" {
		return nil, nil
	}
	params := &graphql.RawParams{
		Query:         values.Get(memberQuery),
		OperationName: values.Get(memberOperationName),
	}
	if params.Variables, err = parseObject(values.Get(memberVariables)); err != nil {
		return nil, badRequest("variables must be a JSON object")
	}
	if params.Extensions, err = parseObject(values.Get(memberExtensions)); err != nil {
		return nil, badRequest("extensions must be a JSON object")
	}
	identify(params, values.Get(memberDocumentID))
	if params.Query == "" && !names(params.Extensions) {
		return nil, badRequest("query is missing")
	}
	params.ReadTime = graphql.TraceTiming{Start: began, End: graphql.Now()}
	return params, nil
}
