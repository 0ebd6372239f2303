package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// maxDepth is how deep objects and arrays may lie in one another.
const maxDepth = 32

// decodeObject reads a JSON object as decodeJSON does.
func decodeObject(text []byte) (map[string]any, error) {
	value, err := decodeJSON(text)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	return object, nil
}

// decodeJSON reads JSON and refuses what encoding/json lets pass: a member that
// stands twice, at any depth, bytes that are not UTF-8, and a depth that nobody
// needs. Names match exactly, in upper and lower case. Numbers are json.Number.
// No error repeats any of the text.
func decodeJSON(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	if !json.Valid(text) {
		return nil, errors.New("not JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decodeValue(decoder, maxDepth)
}

// decodeValue reads the next value of a text that is known to be valid JSON.
func decodeValue(decoder *json.Decoder, depth int) (any, error) {
	if depth < 0 {
		return nil, errors.New("nested too deep")
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, errors.New("not JSON")
	}
	switch token {
	case json.Delim('{'):
		return decodeMembers(decoder, depth-1)
	case json.Delim('['):
		return decodeElements(decoder, depth-1)
	default:
		return token, nil
	}
}

func decodeMembers(decoder *json.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, errors.New("not JSON")
		}
		key, ok := name.(string)
		if !ok {
			return nil, errors.New("not JSON")
		}
		if _, twice := object[key]; twice {
			return nil, errors.New("a member stands twice")
		}
		if object[key], err = decodeValue(decoder, depth); err != nil {
			return nil, err
		}
	}
	return object, closeDelim(decoder)
}

func decodeElements(decoder *json.Decoder, depth int) (any, error) {
	elements := []any{}
	for decoder.More() {
		element, err := decodeValue(decoder, depth)
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
	}
	return elements, closeDelim(decoder)
}

func closeDelim(decoder *json.Decoder) error {
	_, err := decoder.Token()
	return err
}
