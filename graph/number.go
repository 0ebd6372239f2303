package graph

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// wholeNumbers is an extension that reads the numbers in variables: the
// contract has whole ones only. 2.0 and 1e3 are whole, as the specification
// lets a server have it; what isn't is refused by its own name, which the
// validator's words don't do.
type wholeNumbers struct{}

// ExtensionName names the extension.
func (wholeNumbers) ExtensionName() string { return "WholeNumbers" }

// Validate accepts any schema.
func (wholeNumbers) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters writes the numbers as digits.
func (wholeNumbers) MutateOperationParameters(_ context.Context, params *graphql.RawParams) *gqlerror.Error {
	if err := wholeMembers(ast.Path{ast.PathName("variable")}, params.Variables); err != nil {
		errcode.Set(err, errcode.ValidationFailed)
		return err
	}
	return nil
}

func wholeMembers(path ast.Path, members map[string]any) *gqlerror.Error {
	if plain(members) {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		v, err := whole(append(path, ast.PathName(name)), members[name])
		if err != nil {
			return err
		}
		members[name] = v
	}
	return nil
}

// plain reports whether there is nothing to be done about the numbers in a
// value, which is the usual thing: they are digits already, and not too many.
func plain(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			if !plain(member) {
				return false
			}
		}
	case []any:
		for _, member := range v {
			if !plain(member) {
				return false
			}
		}
	case json.Number:
		digits := strings.TrimPrefix(string(v), "-")
		return v != "-0" && len(digits) <= 18 && strings.Trim(digits, "0123456789") == ""
	}
	return true
}

// whole returns a value with the numbers in it as digits.
func whole(path ast.Path, v any) (any, *gqlerror.Error) {
	switch v := v.(type) {
	case map[string]any:
		return v, wholeMembers(path, v)
	case []any:
		for i := range v {
			var err *gqlerror.Error
			if v[i], err = whole(append(path, ast.PathIndex(i)), v[i]); err != nil {
				return nil, err
			}
		}
	case json.Number:
		digits, ok := digitsOf(string(v))
		if !ok {
			return nil, gqlerror.ErrorPathf(slices.Clone(path), "%.40s is not a whole number of 64 bits at most, which all numbers of the contract are: a Decimal is a string", v)
		}
		return json.Number(digits), nil
	}
	return v, nil
}

// digitsOf writes a JSON number without a point and an exponent. ok is false
// where it isn't whole, or doesn't fit in 64 bits.
func digitsOf(number string) (digits string, ok bool) {
	mantissa, power, _ := strings.Cut(strings.ToLower(number), "e")
	exponent := 0
	if power != "" {
		var err error
		if exponent, err = strconv.Atoi(power); err != nil {
			return "", false
		}
	}
	before, after, _ := strings.Cut(mantissa, ".")
	after = strings.TrimRight(after, "0")
	sign, before := before[:len(before)-len(strings.TrimPrefix(before, "-"))], strings.TrimPrefix(before, "-")
	all := before + after
	digits = strings.TrimRight(all, "0")
	exponent += len(all) - len(digits) - len(after)
	switch {
	case strings.Trim(digits, "0") == "":
		return "0", true
	case exponent < 0, exponent > 18:
		return "", false
	}
	digits = sign + strings.TrimLeft(digits, "0") + strings.Repeat("0", exponent)
	_, err := strconv.ParseInt(digits, 10, 64)
	return digits, err == nil
}
