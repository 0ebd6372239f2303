package scalar

import (
	"encoding/json"
	"io"
	"math"
	"strconv"

	"github.com/99designs/gqlgen/graphql"

	"redline"
)

type float float64

// MarshalGQL writes the number as AppendFloat does.
func (n float) MarshalGQL(w io.Writer) {
	write(w, func(b []byte) []byte { return AppendFloat(b, float64(n)) })
}

// MarshalFloat writes the scalar Float as AppendFloat does, and panics as that does.
func MarshalFloat(n float64) graphql.Marshaler {
	checkFloat(n)
	return float(n)
}

// AppendFloat appends the scalar Float, with the fewest digits that tell it from all
// others. What is no number, or has no end, is a fault of ours: it panics, and the
// executor makes that an error of the field.
func AppendFloat(b []byte, n float64) []byte {
	checkFloat(n)
	return strconv.AppendFloat(b, n, 'g', -1, 64)
}

func checkFloat(n float64) {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		panic("a Float of the contract is a number that has an end")
	}
}

// UnmarshalFloat reads the scalar Float: a JSON number.
func UnmarshalFloat(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int64:
		return float64(v), nil
	case int:
		return float64(v), nil
	case json.Number:
		n, err := v.Float64()
		if err != nil {
			return 0, redline.Invalid(nil, "%.40s is not a number that a Float holds", v)
		}
		return n, nil
	}
	return 0, mismatch("a Float is a number", v)
}
