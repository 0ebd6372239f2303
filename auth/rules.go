package auth

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTextRunes bounds every name in a token.
const maxTextRunes = 200

// checkText holds for every name that a token carries, when it is issued and
// when it is verified. The error repeats what it is called and not what it
// says, which may come from anybody.
func checkText(called, text string) error {
	switch {
	case text == "":
		return fmt.Errorf("%s is empty", called)
	// JSON turns half a surrogate pair into U+FFFD, so two names could become
	// one.
	case !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError):
		return fmt.Errorf("%s is not valid text", called)
	case strings.ContainsFunc(text, unicode.IsControl):
		return fmt.Errorf("%s has a control character", called)
	case utf8.RuneCountInString(text) > maxTextRunes:
		return fmt.Errorf("%s has more than %d characters", called, maxTextRunes)
	}
	return nil
}

// checkSuppliers refuses a code twice: whether a call must name its supplier
// depends on how many there are.
func checkSuppliers(codes []string) error {
	seen := make(map[string]struct{}, len(codes))
	for _, code := range codes {
		if err := checkText("a supplier code", code); err != nil {
			return err
		}
		if _, twice := seen[code]; twice {
			return errors.New("a supplier code stands twice")
		}
		seen[code] = struct{}{}
	}
	return nil
}

// parseScope splits a scope claim as RFC 6749 §3.3 writes it: one or more
// tokens of printable ASCII without quote and backslash, one space between.
func parseScope(scope string) ([]string, error) {
	tokens := strings.Split(scope, " ")
	for _, token := range tokens {
		if token == "" || strings.ContainsFunc(token, notInScopeToken) {
			return nil, errors.New("the scope is malformed")
		}
	}
	return tokens, nil
}

func notInScopeToken(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }
