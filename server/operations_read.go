package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxManifestBytes and maxListedFiles bound what is read of a list.
	maxManifestBytes = 64 << 20
	maxListedFiles   = 10_000

	// apolloFormat is what a manifest of Apollo's calls itself.
	apolloFormat = "apollo-persisted-query-manifest"
)

// LoadOperations reads a list of operations: a folder of .graphql or .gql files, also
// in folders within it, or a manifest in JSON as ParseManifest reads it. A file has
// one operation with its fragments, or several. The error has every fault; what the
// documents themselves say is checked by NewExecutor.
func LoadOperations(path string) (*Operations, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading a list of operations: %w", err)
	}
	if !info.IsDir() {
		text, err := readBounded(path)
		if err != nil {
			return nil, err
		}
		if isDocument(path) {
			return &Operations{list: []*listed{documentIn(path, text)}}, nil
		}
		return ParseManifest(path, text)
	}
	o := &Operations{}
	var faults []error
	err = filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() || !isDocument(file):
			return nil
		case len(o.list) == maxListedFiles:
			return fmt.Errorf("there are more than %d files in it", maxListedFiles)
		}
		text, err := readBounded(file)
		if err != nil {
			faults = append(faults, err)
			return nil
		}
		o.list = append(o.list, documentIn(file, text))
		return nil
	})
	if err != nil {
		faults = append(faults, fmt.Errorf("reading a list of operations: %w", err))
	}
	return o, errors.Join(faults...)
}

func isDocument(path string) bool {
	return slices.Contains([]string{".graphql", ".gql"}, filepath.Ext(path))
}

func documentIn(path string, text []byte) *listed {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return &listed{text: strings.TrimPrefix(string(text), "\ufeff"), name: name, source: path, lines: true}
}

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxManifestBytes {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxManifestBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("reading operations: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading operations: %w", err)
	}
	return text, nil
}

// ParseManifest reads a manifest of operations, which source names in faults: one of
// Apollo's, or a JSON object of documents by their identifiers, as Relay's compiler
// and GraphQL Code Generator's client preset write it. The error has every fault.
//
// Source of Apollo's: https://www.apollographql.com/docs/graphos/platform/security/persisted-queries
func ParseManifest(source string, text []byte) (*Operations, error) {
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("%s is not UTF-8", source)
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: %s", source, fmt.Sprintf(format, args...)))
	}
	members := map[string]any{}
	var order []string
	r := jsonReader{text: []byte(strings.TrimPrefix(string(text), "\ufeff"))}
	if !r.object(func(name string, value any) {
		if _, twice := members[name]; twice {
			fault("%s is there more than once", shorten(name, maxIdentifierBytes))
			return
		}
		members[name] = value
		order = append(order, name)
	}) || !r.atEnd() {
		return nil, fmt.Errorf("%s is not a JSON object", source)
	}
	o := &Operations{}
	add := func(where, id, name, body string) {
		switch {
		case id == "" || len(id) > maxIdentifierBytes:
			fault("%s: an identifier has 1 to %d bytes", where, maxIdentifierBytes)
		default:
			o.list = append(o.list, &listed{text: body, id: id, name: name, source: source + ", " + where})
		}
	}
	format, apollo := members["format"].(string)
	if _, nested := members["operations"].([]any); !apollo || !nested && format != apolloFormat {
		for _, id := range order {
			where := "operation " + shorten(id, maxIdentifierBytes)
			body, ok := members[id].(string)
			if !ok {
				fault("%s is not a text", where)
				continue
			}
			add(where, id, id, body)
		}
		return o, errors.Join(faults...)
	}
	if format != apolloFormat {
		fault("format is not %s", apolloFormat)
	}
	if version, _ := members["version"].(json.Number); version != "1" {
		fault("version is not 1")
	}
	operations, ok := members["operations"].([]any)
	if !ok {
		fault("operations is not a list")
	}
	for i, entry := range operations {
		operation, _ := entry.(map[string]any)
		id, hasID := operation["id"].(string)
		body, hasBody := operation["body"].(string)
		name, _ := operation["name"].(string)
		where := fmt.Sprintf("operation %d", i+1)
		if name != "" {
			where += " " + shorten(name, maxIdentifierBytes)
		}
		if !hasID || !hasBody {
			fault("%s lacks a text as id or body", where)
			continue
		}
		add(where, id, name, body)
	}
	return o, errors.Join(faults...)
}
