package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const (
	// maxRequestErrors is how many errors one refused request is told of.
	maxRequestErrors = 10
	// maxMessageBytes and maxPathNameBytes bound what a refusal repeats of the
	// names and values that it is about.
	maxMessageBytes  = 400
	maxPathNameBytes = 100
	// maxPathSteps is how much of a path is repeated.
	maxPathSteps = 50
)

// encodeResponse writes a response as JSON: errors first, since that is what a
// person looks for, and no data at all where nothing ran. The data was encoded
// by the executor and is copied as it is; encoding/json would scan a page of
// products once more.
func encodeResponse(out *buffer, response *graphql.Response) {
	out.Grow(len(response.Data) + 64)
	before := byte('{')
	member := func(name string, value []byte) {
		out.WriteByte(before)
		before = ','
		out.WriteString(name)
		out.Write(value)
	}
	if len(response.Errors) > 0 {
		member(`"errors":`, mustEncode(response.Errors))
	}
	if len(response.Data) > 0 {
		member(`"data":`, response.Data)
	}
	if c, ok := response.Extensions[extensionCost].(*charge); ok && len(response.Extensions) == 1 {
		// Of every answer, and no work for encoding/json.
		var room [128]byte
		member(`"extensions":{"cost":`, c.append(room[:0]))
		out.WriteByte('}')
	} else if len(response.Extensions) > 0 {
		member(`"extensions":`, mustEncode(response.Extensions))
	}
	if before == '{' {
		out.WriteByte('{')
	}
	out.WriteByte('}')
}

// mustEncode panics where an extension can't be written as JSON, which is a
// fault of ours and answered like any other.
func mustEncode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Errorf("encoding a part of a response: %w", err))
	}
	return text
}

// requestError is an error of a request of which nothing ran.
func requestError(code, format string, args ...any) *gqlerror.Error {
	return &gqlerror.Error{Message: fmt.Sprintf(format, args...), Extensions: map[string]any{"code": code}}
}

// restrain keeps the answer to a refused request small, whatever the request
// was: the first few errors, and of each no more than a person would read.
func restrain(errs gqlerror.List) gqlerror.List {
	kept := make(gqlerror.List, min(len(errs), maxRequestErrors))
	for i := range kept {
		short := *errs[i]
		short.Extensions = maps.Clone(short.Extensions)
		short.Message = shorten(short.Message, maxMessageBytes)
		short.Path = shortenPath(short.Path)
		kept[i] = &short
	}
	return kept
}

func shortenPath(path ast.Path) ast.Path {
	if path == nil {
		return nil
	}
	short := make(ast.Path, min(len(path), maxPathSteps))
	for i, step := range path[:len(short)] {
		if name, ok := step.(ast.PathName); ok {
			step = ast.PathName(shorten(string(name), maxPathNameBytes))
		}
		short[i] = step
	}
	return short
}

// shorten cuts a text to a number of bytes, and shows that it did.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strings.TrimRight(text[:cut], " ") + "…"
}
