package scalar

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/99designs/gqlgen/graphql"

	"redline"
)

type number int

// MarshalGQL writes the number in decimal.
func (n number) MarshalGQL(w io.Writer) {
	write(w, func(b []byte) []byte { return AppendInt(b, int(n)) })
}

// MarshalInt writes the scalar Int as AppendInt does, and panics as that does.
func MarshalInt(n int) graphql.Marshaler {
	checkInt(n)
	return number(n)
}

// AppendInt appends the scalar Int, in decimal. A number of more than 32 bits is
// a fault of ours: it panics, and the executor makes that an error of the field.
func AppendInt(b []byte, n int) []byte {
	checkInt(n)
	return strconv.AppendInt(b, int64(n), 10)
}

func checkInt(n int) {
	if n < math.MinInt32 || n > math.MaxInt32 {
		panic(fmt.Errorf("%d doesn't fit in the 32 bits of the contract's Int", n))
	}
}

// UnmarshalInt reads the scalar Int: a whole JSON number of 32 bits, never a
// string.
func UnmarshalInt(v any) (int, error) {
	switch v := v.(type) {
	case int64:
		return int32Of(v)
	case int:
		return int32Of(int64(v))
	case json.Number:
		n, err := strconv.ParseInt(string(v), 10, 64)
		if err != nil {
			return 0, redline.Invalid(nil, "%.40s is not a whole number of 32 bits, which an Int is", v)
		}
		return int32Of(n)
	case float64:
		if v != math.Trunc(v) || math.Abs(v) > math.MaxInt32+1 {
			return 0, redline.Invalid(nil, "%v is not a whole number of 32 bits, which an Int is", v)
		}
		return int32Of(int64(v))
	}
	return 0, mismatch("an Int is a whole number", v)
}

func int32Of(n int64) (int, error) {
	if n < math.MinInt32 || n > math.MaxInt32 {
		return 0, redline.Invalid(nil, "%d doesn't fit in the 32 bits of an Int", n)
	}
	return int(n), nil
}
