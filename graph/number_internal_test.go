package graph

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
)

func TestNumbersInVariables(t *testing.T) {
	t.Parallel()
	read := func(variables string) (string, error) {
		var params graphql.RawParams
		d := json.NewDecoder(strings.NewReader(variables))
		d.UseNumber()
		if err := d.Decode(&params.Variables); err != nil {
			t.Fatal(err)
		}
		if err := (wholeNumbers{}).MutateOperationParameters(t.Context(), &params); err != nil {
			return "", err
		}
		b, err := json.Marshal(params.Variables)
		return string(b), err
	}
	const given = `{"a":2.0,"b":{"c":[1e3,-0.0,{"d":12.5e1}],"e":"1.5","f":null,"g":true},"h":-7}`
	const want = `{"a":2,"b":{"c":[1000,0,{"d":125}],"e":"1.5","f":null,"g":true},"h":-7}`
	if got, err := read(given); err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	for given, told := range map[string][]string{
		`{"n":1.5}`: {"1.5", "variable.n"},
		`{"i":{"changes":[{"delta":1},{"delta":-0.25}]}}`: {"-0.25", "variable.i.changes[1].delta"},
		`{"n":1e-3}`:                    {"1e-3", "variable.n"},
		`{"n":1e400000000000000000000}`: {"1e4000", "variable.n"},
		`{"n":99999999999999999999}`:    {"99999999999999999999", "variable.n"},
	} {
		_, err := read(given)
		for _, part := range told {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v doesn't tell %s", given, err, part)
			}
		}
	}
}

// FuzzDigitsOf holds the digits against exact arithmetic.
func FuzzDigitsOf(f *testing.F) {
	for _, s := range []string{
		"0", "-0", "0.0", "2.0", "1e3", "1E+3", "100e-2", "1.50e1", "1.5", "-12.5e1", "1e18", "1e19", "9223372036854775807", "9223372036854775808",
		"1.00000000000000000001", "0e99999", "0.1e1", "10e-1", "1e-1", "5e-324",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !json.Valid([]byte(s)) || !strings.ContainsAny(s[:1], "-0123456789") || strings.TrimSpace(s) != s || len(s) > 50 {
			return // it isn't a number, and JSON wouldn't have let it through
		}
		digits, ok := digitsOf(s)
		if _, power, _ := strings.Cut(strings.ToLower(s), "e"); len(power) > 4 {
			return // more than is worth writing out
		}
		exact, read := new(big.Rat).SetString(s)
		if !read {
			t.Fatalf("%q is no number to math/big", s)
		}
		if want := exact.IsInt() && exact.Num().IsInt64(); ok != want {
			t.Fatalf("%q is whole and fits: %v, want %v", s, ok, want)
		}
		if ok && digits != exact.Num().String() {
			t.Fatalf("%q is written as %s, want %s", s, digits, exact.Num())
		}
	})
}
