package scalar

import (
	"io"
	"regexp"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"redline"
)

// dateTimeForm is what time.Parse is more lenient than: it takes hours of one
// digit, commas for points, and zones that don't exist.
var dateTimeForm = regexp.MustCompile(
	`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

type moment time.Time

// MarshalGQL writes the time as a string.
func (m moment) MarshalGQL(w io.Writer) {
	write(w, func(b []byte) []byte { return AppendDateTime(b, time.Time(m)) })
}

// MarshalDateTime writes the scalar DateTime as AppendDateTime does.
func MarshalDateTime(t time.Time) graphql.Marshaler { return moment(t) }

// AppendDateTime appends the scalar DateTime: RFC 3339 in UTC, to the
// microsecond, which is what the database keeps, with as many decimals as needed.
func AppendDateTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.UTC().Truncate(time.Microsecond).AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

// UnmarshalDateTime reads the scalar DateTime: RFC 3339 with a zone, in the
// years 1 to 9999 of UTC. What is finer than a microsecond is cut off.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, mismatch("a DateTime is a string", v)
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || !dateTimeForm.MatchString(s) {
		return time.Time{}, redline.Invalid(nil, "%.40q is not a DateTime such as 2024-05-31T08:00:00Z (RFC 3339)", s)
	}
	t = t.UTC().Truncate(time.Microsecond)
	if y := t.Year(); y < 1 || y > 9999 {
		return time.Time{}, redline.Invalid(nil, "a DateTime lies in the years 1 to 9999 of UTC; %.40q doesn't", s)
	}
	return t, nil
}
