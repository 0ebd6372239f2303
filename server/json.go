package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
)

// The members of a GraphQL request.
const (
	memberQuery         = "query"
	memberOperationName = "operationName"
	memberVariables     = "variables"
	memberExtensions    = "extensions"
)

var errNotAnObject = errors.New("not a JSON object")

// anyJSON takes any value and keeps nothing of it: encoding/json checks the
// syntax of the whole text first, and says where it goes wrong.
type anyJSON struct{}

func (*anyJSON) UnmarshalJSON([]byte) error { return nil }

// parseBody reads a request as the specification has it: one JSON object, of
// which members that it does not name are ignored. Stricter than encoding/json
// by itself, it takes each member once, under exactly its name, and UTF-8
// alone, so that nobody on the way can read another request out of the same
// bytes. Objects deeper inside are read as usual: the last of two equal
// members counts.
//
// encoding/json refuses nesting beyond 10,000, so that no body can exhaust the
// stack.
func parseBody(body []byte) (*graphql.RawParams, *failure) {
	body = bytes.TrimLeft(body, " \t\r\n")
	switch {
	case len(body) == 0:
		return nil, badRequest("the body is empty, and must be a JSON object")
	case !utf8.Valid(body):
		return nil, badRequest("the body is not UTF-8")
	}
	if err := json.Unmarshal(body, new(anyJSON)); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, badRequest("the body is not valid JSON, or nested too deeply: it goes wrong at byte %d", syntax.Offset)
		}
		return nil, badRequest("the body is not valid JSON")
	}
	switch body[0] {
	case '{':
	case '[':
		return nil, badRequest("the body must be one JSON object: batches are not taken")
	default:
		return nil, badRequest("the body must be a JSON object")
	}
	members, f := requestMembers(body)
	if f != nil {
		return nil, f
	}
	return paramsOf(members)
}

// requestMembers finds the members that we know in a valid JSON object.
func requestMembers(object []byte) (map[string]json.RawMessage, *failure) {
	members := make(map[string]json.RawMessage, 4)
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil {
		return nil, badRequest("the body is not valid JSON")
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, badRequest("the body is not valid JSON")
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, badRequest("the body is not valid JSON")
		}
		switch name {
		case memberQuery, memberOperationName, memberVariables, memberExtensions:
			known := name.(string)
			if _, twice := members[known]; twice {
				return nil, badRequest("%s is there more than once", known)
			}
			members[known] = value
		}
	}
	return members, nil
}

func paramsOf(members map[string]json.RawMessage) (*graphql.RawParams, *failure) {
	var params graphql.RawParams
	query, present := members[memberQuery]
	if !present {
		return nil, badRequest("query is missing")
	}
	if !parseText(query, &params.Query) {
		return nil, badRequest("query must be a string")
	}
	if name := members[memberOperationName]; !isAbsent(name) && !parseText(name, &params.OperationName) {
		return nil, badRequest("operationName must be a string")
	}
	for _, member := range objectMembers(&params) {
		value := members[member.name]
		if isAbsent(value) {
			continue
		}
		var err error
		if *member.into, err = parseObject(value); err != nil {
			return nil, badRequest("%s must be an object", member.name)
		}
	}
	return &params, nil
}

type objectMember struct {
	name string
	into *map[string]any
}

func objectMembers(params *graphql.RawParams) []objectMember {
	return []objectMember{{memberVariables, &params.Variables}, {memberExtensions, &params.Extensions}}
}

// isAbsent: null is as good as nothing for what is optional.
func isAbsent(value json.RawMessage) bool { return value == nil || string(value) == "null" }

func parseText(value json.RawMessage, into *string) bool {
	return value[0] == '"' && json.Unmarshal(value, into) == nil
}

// parseObject reads one JSON object, or null, which gives nil, from UTF-8.
// Numbers stay as
// they were written, since a float64 can't hold every id or decimal.
func parseObject(text []byte) (map[string]any, error) {
	if !json.Valid(text) {
		return nil, errNotAnObject
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotAnObject, err)
	}
	return object, nil
}
