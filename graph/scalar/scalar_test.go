package scalar_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"pgregory.net/rapid"

	"redline"
	"redline/graph/scalar"
)

// write returns what a marshaler writes, into a buffer and into another writer.
func write(t *testing.T, m graphql.Marshaler) string {
	t.Helper()
	var direct bytes.Buffer
	m.MarshalGQL(&direct)
	var plain strings.Builder
	m.MarshalGQL(&plain)
	if direct.String() != plain.String() {
		t.Errorf("wrote %q into a buffer and %q elsewhere", direct.String(), plain.String())
	}
	return plain.String()
}

// refused checks that an error is one that a caller can read.
func refused(t *testing.T, given any, err error) {
	t.Helper()
	var e *redline.Error
	if !errors.As(err, &e) || e.Code != redline.CodeInvalid || e.Message == "" {
		t.Errorf("%T %.60v: %v is not a refusal with the code INVALID", given, given, err)
	}
}

func TestIntHas32Bits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.OneOf(
			rapid.Int64(),
			rapid.Int64Range(math.MinInt32-2, math.MinInt32+2),
			rapid.Int64Range(math.MaxInt32-2, math.MaxInt32+2),
			rapid.Int64Range(-1000, 1000),
		).Draw(rt, "n")
		fits := n >= math.MinInt32 && n <= math.MaxInt32
		for _, given := range []any{n, int(n), json.Number(strconv.FormatInt(n, 10))} {
			got, err := scalar.UnmarshalInt(given)
			if !fits {
				refused(t, given, err)
				continue
			}
			if err != nil || int64(got) != n {
				rt.Fatalf("%T %v was read as %d, %v", given, given, got, err)
			}
			if out := write(t, scalar.MarshalInt(got)); out != strconv.FormatInt(n, 10) {
				rt.Fatalf("%d was written as %s", n, out)
			}
		}
	})
}

func TestLongIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, 1<<53 + 1})).Draw(rt, "n")
		digits := strconv.FormatInt(n, 10)
		for _, given := range []any{n, json.Number(digits), digits} {
			if got, err := scalar.UnmarshalLong(given); err != nil || got != n {
				rt.Fatalf("%T %v was read as %d, %v", given, given, got, err)
			}
		}
		if out := write(t, scalar.MarshalLong(n)); out != digits {
			rt.Fatalf("%d was written as %s", n, out)
		}
	})
	for _, digits := range []string{"9223372036854775808", "-9223372036854775809", "99999999999999999999", "", " 1", "1.0", "0x1", "1_000", "٣"} {
		for _, given := range []any{digits, json.Number(digits)} {
			_, err := scalar.UnmarshalLong(given)
			refused(t, given, err)
		}
	}
}

func TestIntNeverLeavesTooLarge(t *testing.T) {
	t.Parallel()
	for _, n := range []int{math.MaxInt32 + 1, math.MinInt32 - 1, math.MaxInt64} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d went out as an Int", n)
				}
			}()
			scalar.MarshalInt(n)
		}()
	}
}

// TestNothingIsCoerced gives each scalar what another one takes.
func TestNothingIsCoerced(t *testing.T) {
	t.Parallel()
	read := map[string]func(any) error{
		"Int":      func(v any) error { _, err := scalar.UnmarshalInt(v); return err },
		"String":   func(v any) error { _, err := scalar.UnmarshalString(v); return err },
		"ID":       func(v any) error { _, err := scalar.UnmarshalID(v); return err },
		"Boolean":  func(v any) error { _, err := scalar.UnmarshalBoolean(v); return err },
		"DateTime": func(v any) error { _, err := scalar.UnmarshalDateTime(v); return err },
		"URL":      func(v any) error { _, err := scalar.UnmarshalURL(v); return err },
		"Long":     func(v any) error { _, err := scalar.UnmarshalLong(v); return err },
		"Decimal":  func(v any) error { return new(redline.Decimal).UnmarshalGQL(v) },
		"Cursor":   func(v any) error { _, err := scalar.UnmarshalCursor(v); return err },
	}
	given := []struct {
		v     any
		taken string // the scalars that take it
	}{
		{nil, ""},
		{true, "Boolean"},
		{"true", "String ID Cursor"},
		{"12", "String ID Cursor Long Decimal"},
		{"-12", "String ID Cursor Long Decimal"},
		{"12.5", "String ID Cursor Decimal"},
		{"+12", "String ID Cursor"},
		{"1e3", "String ID Cursor"},
		{"https://example.com/a?b=c", "String ID Cursor URL"},
		{"2024-05-31T08:00:00Z", "String ID Cursor DateTime"},
		{json.Number("12"), "Int ID Long"},
		{int64(12), "Int ID Long"},
		{json.Number("12.5"), ""},
		{json.Number("1e3"), ""},
		{12.5, ""},
		{math.NaN(), ""},
		{math.Inf(1), ""},
		{[]any{"a"}, ""},
		{map[string]any{"a": "b"}, ""},
		{"a\x00b", ""},
		{"a\xffb", ""},
		{strings.Repeat("a", 10_001), ""},
		{strings.Repeat("a", 10_000), "String Cursor"},
		{strings.Repeat("é", 201), "String Cursor"},
		{strings.Repeat("é", 200), "String ID Cursor"},
	}
	for _, g := range given {
		for name, f := range read {
			if taken := strings.Contains(" "+g.taken+" ", " "+name+" "); taken {
				if err := f(g.v); err != nil {
					t.Errorf("%s refuses %.40v: %v", name, g.v, err)
				}
			} else {
				refused(t, g.v, f(g.v))
			}
		}
	}
}

func FuzzString(f *testing.F) {
	for _, s := range []string{"", "a", "é", "a\x00", "\xff", "\u2028", "\"\\\n\t\x1f", strings.Repeat("a", 9_999)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := scalar.UnmarshalString(s)
		if !utf8.ValidString(s) || strings.Contains(s, "\x00") || len(s) > 10_000 {
			refused(t, s, err)
			return
		}
		if err != nil || got != s {
			t.Fatalf("%q was read as %q, %v", s, got, err)
		}
		var back string
		if err := json.Unmarshal([]byte(write(t, scalar.MarshalString(got))), &back); err != nil || back != s {
			t.Fatalf("%q came back as %q, %v", s, back, err)
		}
	})
}

func FuzzDateTime(f *testing.F) {
	for _, s := range []string{
		"2024-05-31T08:00:00Z", "2024-05-31T08:00:00.1234567+02:00", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00",
		"2024-05-31", "2024-05-31 08:00:00Z", "2024-05-31T8:00:00Z", "2024-05-31T08:00:00,5Z", "2024-05-31T08:00:00+24:00",
		"2024-02-30T08:00:00Z", "2024-05-31T08:00:60Z", "", "now", "10000-01-01T00:00:00Z",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := scalar.UnmarshalDateTime(s)
		if err != nil {
			refused(t, s, err)
			return
		}
		if got.Location() != time.UTC || got.Year() < 1 || got.Year() > 9999 || got.Nanosecond()%1000 != 0 {
			t.Fatalf("%q was read as %v", s, got)
		}
		if plain, err := time.Parse(time.RFC3339, s); err != nil || plain.Sub(got) < 0 || plain.Sub(got) >= time.Microsecond {
			t.Fatalf("%q was read as %v, and it is %v, %v", s, got, plain, err)
		}
		out := write(t, scalar.MarshalDateTime(got))
		back, err := scalar.UnmarshalDateTime(strings.Trim(out, `"`))
		if err != nil || !back.Equal(got) || !strings.HasSuffix(out, `Z"`) {
			t.Fatalf("%v was written as %s, which is %v, %v", got, out, back, err)
		}
	})
}

func TestDateTimeIsStrict(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"2024-05-31T8:00:00Z", "2024-05-31T08:00:00,5Z", "2024-05-31T08:00:00+24:00", "2024-05-31T08:00:00", "2024-05-31",
		"0000-12-31T23:00:00Z", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00",
	} {
		_, err := scalar.UnmarshalDateTime(s)
		refused(t, s, err)
	}
	local := time.Date(2024, 5, 31, 10, 0, 0, 123456789, time.FixedZone("", 2*60*60))
	if out := write(t, scalar.MarshalDateTime(local)); out != `"2024-05-31T08:00:00.123456Z"` {
		t.Errorf("%v was written as %s", local, out)
	}
}

func FuzzURL(f *testing.F) {
	for _, s := range []string{
		"https://example.com", "http://[::1]:80/x?y#z", "https://", "//example.com", "ftp://example.com", "javascript:alert(1)",
		"https://exa mple.com", "https://example.com/\n", "HTTPS://EXAMPLE.COM", "https:example.com", "https://:80/", strings.Repeat("https://a", 300),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := scalar.UnmarshalURL(s)
		if err != nil {
			refused(t, s, err)
			return
		}
		u, err := url.Parse(got)
		if err != nil || !u.IsAbs() || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || got != s || len(s) > 2_000 {
			t.Fatalf("%q was read as %q: %v, %v", s, got, u, err)
		}
	})
}
