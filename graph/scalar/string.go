package scalar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"redline"
)

const (
	// textMax is the longest String that is read, in bytes. What a field
	// takes is less; this bounds what anybody has to look at.
	textMax = 10_000
	// idMax is the longest ID that is read, in characters. Ours are shorter, and
	// so should those of others be that we keep and look up.
	idMax = 200
	// urlMax is the longest URL that is read, in bytes.
	urlMax = 2_000
)

type text string

// MarshalGQL writes the text as a string.
func (t text) MarshalGQL(w io.Writer) {
	write(w, func(b []byte) []byte { return AppendString(b, string(t)) })
}

// MarshalString writes the scalar String as AppendString does.
func MarshalString(s string) graphql.Marshaler { return text(s) }

// AppendString appends the scalar String: no more of it is escaped than JSON asks for.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\t':
			b = append(b, `\t`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		default:
			b = append(b, `\u00`...)
			b = append(b, hexDigits[c>>4], hexDigits[c&0xf])
		}
		start = i + 1
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

const hexDigits = "0123456789ABCDEF"

// write lets a scalar append itself to what a writer holds: into a buffer's own
// room there, so that it costs no allocation.
func write(w io.Writer, appendTo func([]byte) []byte) {
	if b, ok := w.(*bytes.Buffer); ok {
		b.Write(appendTo(b.AvailableBuffer()))
		return
	}
	_, _ = w.Write(appendTo(nil))
}

// UnmarshalString reads the scalar String: valid UTF-8 without U+0000, which
// the database can't hold.
func UnmarshalString(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", mismatch("a String is a string", v)
	}
	return s, checkText("a String", s, textMax)
}

// MarshalID writes the scalar ID.
func MarshalID(s string) graphql.Marshaler { return text(s) }

// AppendID appends the scalar ID.
func AppendID(b []byte, s string) []byte { return AppendString(b, s) }

// UnmarshalID reads the scalar ID: a string of at most 200 characters, or a
// whole number that stands for its digits, as the specification has it.
func UnmarshalID(v any) (string, error) {
	switch v := v.(type) {
	case string:
		if n := utf8.RuneCountInString(v); n > idMax {
			return "", redline.Invalid(nil, "an ID has at most %d characters, this one has %d", idMax, n)
		}
		return v, checkText("an ID", v, textMax)
	case int64:
		return strconv.FormatInt(v, 10), nil
	case json.Number:
		if _, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return string(v), nil
		}
	}
	return "", mismatch("an ID is a string", v)
}

// MarshalCursor writes the scalar Cursor.
func MarshalCursor(s string) graphql.Marshaler { return text(s) }

// AppendCursor appends the scalar Cursor.
func AppendCursor(b []byte, s string) []byte { return AppendString(b, s) }

// UnmarshalCursor reads the scalar Cursor, as opaque here as to callers.
func UnmarshalCursor(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", mismatch("a Cursor is a string", v)
	}
	return s, checkText("a Cursor", s, textMax)
}

// MarshalURL writes the scalar URL.
func MarshalURL(s string) graphql.Marshaler { return text(s) }

// AppendURL appends the scalar URL.
func AppendURL(b []byte, s string) []byte { return AppendString(b, s) }

// UnmarshalURL reads the scalar URL: absolute, http or https, with a host and
// at most 2,000 bytes.
func UnmarshalURL(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", mismatch("a URL is a string", v)
	}
	if err := checkText("a URL", s, urlMax); err != nil {
		return "", err
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.ContainsAny(s, " \"<>\\^`{|}") {
		return "", redline.Invalid(nil, "a URL is absolute and begins with https:// or http://")
	}
	return s, nil
}

// MarshalBoolean writes the scalar Boolean.
func MarshalBoolean(b bool) graphql.Marshaler {
	if b {
		return graphql.True
	}
	return graphql.False
}

// AppendBoolean appends the scalar Boolean.
func AppendBoolean(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }

// UnmarshalBoolean reads the scalar Boolean: true or false, and no string.
func UnmarshalBoolean(v any) (bool, error) {
	b, ok := v.(bool)
	if !ok {
		return false, mismatch("a Boolean is true or false", v)
	}
	return b, nil
}

func checkText(what, s string, longest int) error {
	switch {
	case len(s) > longest:
		return redline.Invalid(nil, "%s has at most %d bytes, this one has %d", what, longest, len(s))
	case !utf8.ValidString(s):
		return redline.Invalid(nil, "%s is UTF-8, and this one isn't", what)
	case strings.IndexByte(s, 0) >= 0:
		return redline.Invalid(nil, "%s can't hold the character U+0000", what)
	}
	return nil
}

// mismatch refuses what isn't of a scalar's kind.
func mismatch(rule string, v any) error {
	if v == nil {
		return redline.Invalid(nil, "a value is needed here; null is none")
	}
	return redline.Invalid(nil, "%s, not %s", rule, kind(v))
}

// kind names what was given in place of a scalar, without repeating it.
func kind(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case json.Number, int, int64, float64:
		return "such a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("a %T", v)
}
