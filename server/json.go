package server

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// maxNesting is how deep arrays and objects may nest, as in encoding/json, so
	// that no text can exhaust the stack.
	maxNesting = 10_000
	// maxValues is how many values a text may have, within each other and beside
	// each other: the shortest take far more room in memory than as text. The
	// longest feed, of 10,000 rows, has a third of it.
	maxValues = 250_000
	// maxEntries is how many entries an array may have: twice as many as the longest
	// feed has rows. What is to be coerced one by one costs more than reading it.
	maxEntries = 20_000

	spaceJSON = " \t\r\n"
)

var errNotAnObject = errors.New("not a JSON object")

// jsonReader reads JSON (RFC 8259) in one pass, where encoding/json would take
// several. It takes what encoding/json takes, and makes of it what a Decoder with
// UseNumber does: numbers stay as they were written, since a float64 can't hold
// every id or decimal, and the last of two equal members counts.
//
// The text must be UTF-8. Each method starts at the next byte that was not read
// yet, and reports false where the text is not JSON.
type jsonReader struct {
	text    []byte
	at      int
	nesting int
	values  int    // read so far
	long    bool   // an array has too many entries
	scratch []byte // of strings with escapes
}

// parseObject reads one JSON object from UTF-8. Null is nil, and so is nothing
// at all.
func parseObject(text string) (map[string]any, error) {
	if text == "" {
		return nil, nil
	}
	r := jsonReader{text: []byte(text)}
	value, ok := r.value()
	if !ok || !r.atEnd() {
		return nil, errNotAnObject
	}
	object, ok := value.(map[string]any)
	if !ok && value != nil {
		return nil, errNotAnObject
	}
	return object, nil
}

// next skips white space, and returns the byte after it without reading it; 0
// at the end.
func (r *jsonReader) next() byte {
	for r.at < len(r.text) {
		if c := r.text[r.at]; strings.IndexByte(spaceJSON, c) < 0 {
			return c
		}
		r.at++
	}
	return 0
}

// atEnd reports whether there is nothing more but white space.
func (r *jsonReader) atEnd() bool { return r.next() == 0 && r.at == len(r.text) }

// skip reads this very byte, after white space.
func (r *jsonReader) skip(c byte) bool {
	if r.next() != c {
		return false
	}
	r.at++
	return true
}

// tooMany reports whether the text was given up for having too many values, in all or
// in one array.
func (r *jsonReader) tooMany() bool { return r.values > maxValues || r.long }

func (r *jsonReader) value() (any, bool) {
	if r.values++; r.tooMany() {
		return nil, false
	}
	switch r.next() {
	case '{':
		object := map[string]any{}
		return object, r.object(func(name string, value any) { object[name] = value })
	case '[':
		return r.array()
	case '"':
		return r.string()
	case 't':
		return true, r.word("true")
	case 'f':
		return false, r.word("false")
	case 'n':
		return nil, r.word("null")
	default:
		return r.number()
	}
}

// object gives each member away as it comes.
func (r *jsonReader) object(member func(name string, value any)) bool {
	if !r.skip('{') || !r.enter() {
		return false
	}
	if r.skip('}') {
		return r.leave()
	}
	for {
		if r.next() != '"' {
			return false
		}
		name, ok := r.string()
		if !ok || !r.skip(':') {
			return false
		}
		value, ok := r.value()
		if !ok {
			return false
		}
		member(name, value)
		if r.skip('}') {
			return r.leave()
		}
		if !r.skip(',') {
			return false
		}
	}
}

func (r *jsonReader) array() ([]any, bool) {
	elements := []any{}
	if !r.skip('[') || !r.enter() {
		return nil, false
	}
	if r.skip(']') {
		return elements, r.leave()
	}
	for {
		value, ok := r.value()
		if !ok {
			return nil, false
		}
		if r.long = r.long || len(elements) == maxEntries; r.long {
			return nil, false
		}
		elements = append(elements, value)
		if r.skip(']') {
			return elements, r.leave()
		}
		if !r.skip(',') {
			return nil, false
		}
	}
}

func (r *jsonReader) enter() bool {
	r.nesting++
	return r.nesting <= maxNesting
}

func (r *jsonReader) leave() bool {
	r.nesting--
	return true
}

func (r *jsonReader) word(word string) bool {
	if len(r.text)-r.at < len(word) || string(r.text[r.at:r.at+len(word)]) != word {
		return false
	}
	r.at += len(word)
	return true
}

// number reads one as it is written.
func (r *jsonReader) number() (json.Number, bool) {
	begin := r.at
	r.oneOf("-")
	if !r.oneOf("0") && !r.digits() {
		return "", false
	}
	if r.oneOf(".") && !r.digits() {
		return "", false
	}
	if r.oneOf("eE") {
		r.oneOf("+-")
		if !r.digits() {
			return "", false
		}
	}
	return json.Number(r.text[begin:r.at]), true
}

func (r *jsonReader) oneOf(set string) bool {
	if r.at == len(r.text) || strings.IndexByte(set, r.text[r.at]) < 0 {
		return false
	}
	r.at++
	return true
}

func (r *jsonReader) digits() bool {
	begin := r.at
	for r.at < len(r.text) && '0' <= r.text[r.at] && r.text[r.at] <= '9' {
		r.at++
	}
	return r.at > begin
}

// string reads a string, which begins here.
func (r *jsonReader) string() (string, bool) {
	r.at++
	run, ok := r.run()
	if !ok {
		return "", false
	}
	if r.text[r.at] == '"' {
		r.at++
		return string(run), true
	}
	r.scratch = append(r.scratch[:0], run...)
	for {
		if r.text[r.at] == '"' {
			r.at++
			return string(r.scratch), true
		}
		if !r.escape() {
			return "", false
		}
		if run, ok = r.run(); !ok {
			return "", false
		}
		r.scratch = append(r.scratch, run...)
	}
}

// run reads what stands for itself, up to the string's end or an escape.
func (r *jsonReader) run() ([]byte, bool) {
	begin := r.at
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '"' || c == '\\':
			return r.text[begin:r.at], true
		case c < ' ':
			return nil, false
		}
		r.at++
	}
	return nil, false
}

// escape adds what an escape means to the scratch. Half a surrogate pair
// becomes U+FFFD.
func (r *jsonReader) escape() bool {
	if len(r.text)-r.at < 2 {
		return false
	}
	c := r.text[r.at+1]
	if c == 'u' {
		first, ok := r.codeUnit()
		if !ok {
			return false
		}
		if utf16.IsSurrogate(first) {
			after := r.at
			second, _ := r.codeUnit()
			if first = utf16.DecodeRune(first, second); first == utf8.RuneError {
				r.at = after
			}
		}
		r.scratch = utf8.AppendRune(r.scratch, first)
		return true
	}
	const written, meant = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	i := strings.IndexByte(written, c)
	if i < 0 {
		return false
	}
	r.scratch = append(r.scratch, meant[i])
	r.at += 2
	return true
}

// codeUnit reads \u and four hexadecimal digits.
func (r *jsonReader) codeUnit() (rune, bool) {
	if len(r.text)-r.at < 6 || r.text[r.at] != '\\' || r.text[r.at+1] != 'u' {
		return 0, false
	}
	var unit rune
	for _, c := range r.text[r.at+2 : r.at+6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	r.at += 6
	return unit, true
}
