package server

import (
	"encoding/json"
	"reflect"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// The values of arguments, as far as a cost hangs on them: how large a number is,
// and how long a list. They are read where they are, in the document or in the
// variables, and nothing of them is copied.

// valueOf is what a value of a document stands for: itself, or the variable's
// value; nil where that isn't given.
func valueOf(value *ast.Value, variables map[string]any) any {
	if value.Kind == ast.Variable {
		return variables[value.Raw]
	}
	return value
}

// memberOf is a member of an input object.
func memberOf(object any, name string, variables map[string]any) any {
	switch object := object.(type) {
	case *ast.Value:
		if member := object.Children.ForName(name); member != nil && object.Kind == ast.ObjectValue {
			return valueOf(member, variables)
		}
	case map[string]any:
		return object[name]
	}
	return nil
}

// lengthOf is how long a list is.
func lengthOf(value any) (int64, bool) {
	switch value := value.(type) {
	case *ast.Value:
		return int64(len(value.Children)), value.Kind == ast.ListValue
	case []any:
		return int64(len(value)), true
	case nil:
		return 0, false
	}
	// One value that stands for a list of itself is coerced to a slice of its type.
	v := reflect.ValueOf(value)
	if v.Kind() != reflect.Slice {
		return 0, false
	}
	return int64(v.Len()), true
}

// entriesIn counts the entries of the lists in an input object.
func entriesIn(value any, variables map[string]any) (entries int64) {
	count := func(member any) {
		if n, ok := lengthOf(member); ok {
			entries += n
		}
	}
	switch value := value.(type) {
	case *ast.Value:
		if value.Kind == ast.ObjectValue {
			for _, child := range value.Children {
				count(valueOf(child.Value, variables))
			}
		}
	case map[string]any:
		for _, member := range value {
			count(member)
		}
	}
	return entries
}

func numberIn(argument *ast.Argument, variables map[string]any) (int64, bool) {
	if argument == nil {
		return 0, false
	}
	return numberOf(argument.Value, variables)
}

func numberOf(value *ast.Value, variables map[string]any) (int64, bool) {
	return number(valueOf(value, variables))
}

// number reads a whole number, also one that a variable has as a string: validation and
// the resolvers take that for an Int. What is none, or too large to be one, is for them to
// refuse.
func number(value any) (int64, bool) {
	switch value := value.(type) {
	case *ast.Value:
		if value.Kind == ast.IntValue {
			n, err := strconv.ParseInt(value.Raw, 10, 64)
			return n, err == nil
		}
	case json.Number:
		n, err := value.Int64()
		return n, err == nil
	case string:
		n, err := strconv.ParseInt(value, 10, 64)
		return n, err == nil
	case int64:
		return value, true
	case int:
		return int64(value), true
	case float64:
		return int64(value), true
	}
	return 0, false
}

// truth reads a boolean; false where it is none.
func truth(value any) bool {
	switch value := value.(type) {
	case *ast.Value:
		return value.Kind == ast.BooleanValue && value.Raw == "true"
	case bool:
		return value
	}
	return false
}
