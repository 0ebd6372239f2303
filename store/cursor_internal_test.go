package store

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"redline"
)

// TestCursorsAreJSON: a cursor is what encoding/json writes, whatever is in its
// value, and is read again as it was written.
func TestCursorsAreJSON(t *testing.T) {
	t.Parallel()
	by := sorting{tag: "name", cast: "text", prefix: redline.PrefixProduct}
	id := redline.NewID(redline.PrefixProduct)
	for _, value := range []string{
		"", "plain ~ text", `"`, `\`, `\"`, "<b>&amp;", "ä", "\u2028", "tab\t", "line\n", "\x7f", `","`, "日本",
	} {
		cursor := encodeCursor(by, value, id)
		b, err := json.Marshal([3]string{by.tag, value, id})
		if err != nil {
			t.Fatal(err)
		}
		if want := base64.RawURLEncoding.EncodeToString(b); cursor != want {
			t.Errorf("the cursor of %q is %s, not %s", value, cursor, want)
		}
		if read, of, refused := decodeCursor(cursor, by); refused != nil || read != value || of != id {
			t.Errorf("the cursor of %q is read as %q, %q, %v", value, read, of, refused)
		}
	}
}
