package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// decodeObject reads a JSON object and refuses what encoding/json lets pass: a
// member that stands twice, at any depth, and bytes that are not UTF-8. Names
// match exactly, in upper and lower case. Numbers are json.Number. No error
// repeats any of the text.
func decodeObject(text []byte) (map[string]any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	if !json.Valid(text) {
		return nil, errors.New("not JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	value, err := decodeValue(decoder)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	return object, nil
}

// decodeValue reads the next value of a text that is known to be valid JSON.
func decodeValue(decoder *json.Decoder) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, errors.New("not JSON")
	}
	switch token {
	case json.Delim('{'):
		return decodeMembers(decoder)
	case json.Delim('['):
		return decodeElements(decoder)
	default:
		return token, nil
	}
}

func decodeMembers(decoder *json.Decoder) (any, error) {
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
		if object[key], err = decodeValue(decoder); err != nil {
			return nil, err
		}
	}
	return object, closeDelim(decoder)
}

func decodeElements(decoder *json.Decoder) (any, error) {
	elements := []any{}
	for decoder.More() {
		element, err := decodeValue(decoder)
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
