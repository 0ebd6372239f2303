package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
)

// The members of a GraphQL request.
const (
	memberQuery         = "query"
	memberOperationName = "operationName"
	memberVariables     = "variables"
	memberExtensions    = "extensions"
	memberDocumentID    = "documentId"
)

var requestMembers = [...]string{memberQuery, memberOperationName, memberVariables, memberExtensions, memberDocumentID}

// parseBody reads a request as the specification has it: one JSON object, of
// which members that it does not name are ignored. Stricter than encoding/json
// by itself, it takes each member once, under exactly its name, and UTF-8
// alone, so that nobody on the way can read another request out of the same
// bytes. Objects deeper inside are read as usual: the last of two equal
// members counts.
//
// Nothing of the body is kept: it may be overwritten.
func parseBody(body []byte) (*graphql.RawParams, *failure) {
	body = bytes.TrimLeft(body, spaceJSON)
	switch {
	case len(body) == 0:
		return nil, badRequest("the body is empty, and must be a JSON object")
	case !utf8.Valid(body):
		return nil, badRequest("the body is not UTF-8")
	case body[0] != '{':
		return nil, notAnObject(body)
	}
	var values [len(requestMembers)]any
	var given [len(requestMembers)]bool
	twice := ""
	r := jsonReader{text: body}
	if !r.object(func(name string, value any) {
		i := slices.Index(requestMembers[:], name)
		if i < 0 {
			return
		}
		if given[i] && twice == "" {
			twice = name
		}
		values[i], given[i] = value, true
	}) || !r.atEnd() {
		if r.tooMany() {
			return nil, tooLarge("the body has more than %d values, or a list more than %d", maxValues, maxEntries)
		}
		return nil, malformed(body)
	}
	if twice != "" {
		return nil, badRequest("%s is there more than once", twice)
	}
	var params graphql.RawParams
	var ok bool
	// null is as good as nothing for what is optional.
	if params.OperationName, ok = values[1].(string); !ok && values[1] != nil {
		return nil, badRequest("operationName must be a string")
	}
	if params.Variables, ok = values[2].(map[string]any); !ok && values[2] != nil {
		return nil, badRequest("variables must be an object")
	}
	if params.Extensions, ok = values[3].(map[string]any); !ok && values[3] != nil {
		return nil, badRequest("extensions must be an object")
	}
	id, ok := values[4].(string)
	if !ok && values[4] != nil {
		return nil, badRequest("documentId must be a string")
	}
	identify(&params, id)
	named := names(params.Extensions)
	if !given[0] && !named {
		return nil, badRequest("query is missing")
	}
	// Clients that name a document send null for its text, or nothing.
	if params.Query, ok = values[0].(string); !ok && !(named && values[0] == nil) {
		return nil, badRequest("query must be a string")
	}
	return &params, nil
}

// identify puts a request's documentId among its extensions, where the executor
// looks for it on all transports.
func identify(params *graphql.RawParams, id string) {
	if id == "" {
		return
	}
	if params.Extensions == nil {
		params.Extensions = map[string]any{}
	}
	params.Extensions[extensionDocumentID] = id
}

func notAnObject(body []byte) *failure {
	switch {
	case !json.Valid(body):
		return malformed(body)
	case body[0] == '[':
		return badRequest("the body must be one JSON object: batches are not taken")
	default:
		return badRequest("the body must be a JSON object")
	}
}

// anyJSON takes any value and keeps nothing of it: encoding/json checks the
// syntax of the whole text first, and says where it goes wrong.
type anyJSON struct{}

func (*anyJSON) UnmarshalJSON([]byte) error { return nil }

// malformed says where a text stops being JSON.
func malformed(body []byte) *failure {
	if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(body, new(anyJSON))); ok {
		return badRequest("the body is not valid JSON, or nested too deeply: it goes wrong at byte %d", syntax.Offset)
	}
	return badRequest("the body is not valid JSON")
}
