package scalar

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"redline"
)

type long int64

// MarshalGQL writes the number in decimal.
func (n long) MarshalGQL(w io.Writer) {
	write(w, func(b []byte) []byte { return AppendLong(b, int64(n)) })
}

// MarshalLong writes the scalar Long as AppendLong does.
func MarshalLong(n int64) graphql.Marshaler { return long(n) }

// AppendLong appends the scalar Long, in decimal.
func AppendLong(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

// UnmarshalLong reads the scalar Long: a whole number of 64 bits, as a JSON
// number or as a string of its digits, for those whose numbers have fewer bits.
func UnmarshalLong(v any) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case int:
		return int64(v), nil
	case json.Number:
		return longOf(string(v))
	case string:
		return longOf(v)
	}
	return 0, mismatch("a Long is a whole number, or a string of its digits", v)
}

func longOf(digits string) (int64, error) {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || strings.HasPrefix(digits, "+") {
		return 0, redline.Invalid(nil, "%.40q is not a whole number of 64 bits, which a Long is", digits)
	}
	return n, nil
}
