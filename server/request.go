package server

import (
	"errors"
	"fmt"
	"io"
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
	body, f := s.readBody(w, r)
	if f != nil {
		return nil, f
	}
	params, f := parseBody(body)
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
	mediaType, parameters, err := mime.ParseMediaType(given[0])
	if err != nil || mediaType != mediaJSON {
		return refusal("the Content-Type must be application/json")
	}
	if !isUTF8(parameters["charset"]) {
		return refusal("the charset must be utf-8")
	}
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return refusal("the body must not be compressed")
	}
	return nil
}

// readBody reads no more than MaxBodyBytes, and nothing at all where the
// client says beforehand that there will be more.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) ([]byte, *failure) {
	limit := s.options.MaxBodyBytes
	tooLarge := &failure{
		status:  http.StatusRequestEntityTooLarge,
		code:    codeTooLarge,
		message: fmt.Sprintf("the body is larger than %d bytes", limit),
		header:  http.Header{"Connection": {"close"}},
	}
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err == nil {
		return body, nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, &failure{
			status:  http.StatusRequestTimeout,
			code:    codeTimeout,
			message: "the body did not arrive in time",
			header:  http.Header{"Connection": {"close"}},
		}
	}
	return nil, badRequest("the body broke off")
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
// good as none.
func readGet(r *http.Request) (*graphql.RawParams, *failure) {
	began := graphql.Now()
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("the URL's query string is malformed")
	}
	for _, name := range []string{memberQuery, memberOperationName, memberVariables, memberExtensions} {
		if len(values[name]) > 1 {
			return nil, badRequest("%s is there more than once", name)
		}
		if !utf8.ValidString(values.Get(name)) {
			return nil, badRequest("%s is not UTF-8", name)
		}
	}
	params := &graphql.RawParams{
		Query:         values.Get(memberQuery),
		OperationName: values.Get(memberOperationName),
	}
	if params.Query == "" {
		return nil, badRequest("query is missing")
	}
	for _, member := range objectMembers(params) {
		text := values.Get(member.name)
		if text == "" {
			continue
		}
		if *member.into, err = parseObject([]byte(text)); err != nil {
			return nil, badRequest("%s must be a JSON object", member.name)
		}
	}
	params.ReadTime = graphql.TraceTiming{Start: began, End: graphql.Now()}
	return params, nil
}
