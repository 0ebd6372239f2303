package server

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzJSON holds the reader against encoding/json: they take the same texts,
// and make the same of them.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{
		``, ` `, `null`, ` null `, `nul`, `nulll`, `true`, `{}`, `{ }`, `[]`, `{"a":1}`, `{"a":1,}`, `{,}`, `{"a"}`, `{a:1}`, `{"a":1 "b":2}`, `{"a":1}}`, `{"a":[}`,
		`{"a":1,"a":{"b":[1,2,[]]},"c":null,"d":true,"e":false,"":""}`, " {\"a\"\t:\r\n[ 1 , \"x\" ] } ",
		`{"n":[0,-0,1,-1,10,1.5,-0.0,1e3,1E+3,1e-3,123456789012345678901234567890.5]}`,
		`[01]`, `[-]`, `[1.]`, `[.5]`, `[1e]`, `[1e+]`, `[+1]`, `[1,]`, `[-01]`, `[0x1]`, `[NaN]`,
		`["\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC"]`, `["a\nb\nc"]`, `["\ud83d\ude00"]`, `["\ud83d"]`, `["\ud83dx"]`, `["\ud83d\u0041"]`, `["\ude00\ud83d\ude00"]`, `["\ud83d\ud83d\ude00"]`,
		`["\u12"]`, `["\u12g4"]`, `["\x"]`, `["\`, `["\"]`, `["\u`, "[\"\n\"]", "[\"\x00\"]", "[\"\x7f\"]", `["`, `"`, "\"é€😀\"", "\ufeff{}", "{}\x00", "\x00",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if utf8.Valid(text) {
			compareJSON(t, text)
		}
	})
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{maxNesting, maxNesting + 1} {
		compareJSON(t, []byte(strings.Repeat("[", depth)+strings.Repeat("]", depth)))
		compareJSON(t, []byte(strings.Repeat(`{"a":`, depth)+"1"+strings.Repeat("}", depth)))
	}
}

func compareJSON(t *testing.T, text []byte) {
	t.Helper()
	r := jsonReader{text: text}
	got, ok := r.value()
	ok = ok && r.atEnd()
	if r.tooMany() {
		return
	}
	if valid := json.Valid(text); ok != valid {
		t.Fatalf("%.100q: read %t, and valid is %t", text, ok, valid)
	}
	if !ok {
		return
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var want any
	if err := decoder.Decode(&want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%.100q: got %#v, want %#v", text, got, want)
	}
}
