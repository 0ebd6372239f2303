package demo

import (
	"fmt"
	"strings"
	"unicode"
)

// folded are the letters that the names have beyond ASCII. An accent is
// dropped; ü becomes u, not ue, whatever the language.
var folded = map[rune]string{
	'à': "a", 'á': "a", 'â': "a", 'ã': "a", 'ä': "a", 'å': "a", 'æ': "ae",
	'ç': "c", 'è': "e", 'é': "e", 'ê': "e", 'ë': "e", 'ì': "i", 'í': "i", 'î': "i", 'ï': "i",
	'ñ': "n", 'ò': "o", 'ó': "o", 'ô': "o", 'õ': "o", 'ö': "o", 'ø': "o", 'ß': "ss",
	'ù': "u", 'ú': "u", 'û': "u", 'ü': "u", 'ý': "y", 'ÿ': "y",
}

// slug makes a code of a name: lower-case ASCII letters and digits, words
// joined by single hyphens, punctuation left out ("G'day, Mate" is gday-mate,
// "s.r.l." is srl). A letter that isn't known is an error rather than lost.
func slug(name string) (string, error) {
	var words strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			words.WriteRune(r)
		case unicode.IsSpace(r), r == '-':
			words.WriteByte(' ')
		case folded[r] != "":
			words.WriteString(folded[r])
		case unicode.IsPunct(r):
		default:
			return "", fmt.Errorf("name %q: no ASCII for %q", name, r)
		}
	}
	code := strings.Join(strings.Fields(words.String()), "-")
	if code == "" {
		return "", fmt.Errorf("name %q has no letter to make a code of", name)
	}
	return code, nil
}
