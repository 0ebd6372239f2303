package auth_test

import (
	"errors"
	"strings"
	"testing"

	"redline/auth"
)

func TestBearer(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Bearer a.b.c": "a.b.c", "bearer a": "a", "BEARER a": "a", "bEaReR   a": "a",
		"Bearer a-._~+/9Z==": "a-._~+/9Z==", "Bearer Bearer": "Bearer",
	} {
		token, present, err := auth.Bearer(header)
		if err != nil || !present || token != want {
			t.Errorf("%q gives %q, %v, %v", header, token, present, err)
		}
	}
	if token, present, err := auth.Bearer(""); err != nil || present || token != "" {
		t.Errorf("nothing gives %q, %v, %v", token, present, err)
	}
	for _, header := range []string{
		" ", "Bearer", "Bearer ", "Bearer    ", "Bearera", "Bearer\ta", "Bearer \ta", " Bearer a", "Bearer a ",
		"Bearer a b", "Bearer a, Bearer b", "Bearer a,b", "Bearer a\n", "Bearer a\x00", "Bearer =", "Bearer a=b",
		"Bearer \"a\"", "Bearer ä", "Bearer \xff", "Bearer: a", "Basic YTpi", "Token a", "a.b.c", "Beårer a",
	} {
		token, present, err := auth.Bearer(header)
		if !errors.Is(err, auth.ErrInvalidToken) || !present || token != "" {
			t.Errorf("%q gives %q, %v, %v", header, token, present, err)
		}
	}
}

func TestBearerFrom(t *testing.T) {
	t.Parallel()
	for _, none := range [][]string{nil, {}, {""}} {
		if token, present, err := auth.BearerFrom(none); err != nil || present || token != "" {
			t.Errorf("%q gives %q, %v, %v", none, token, present, err)
		}
	}
	if token, present, err := auth.BearerFrom([]string{"Bearer a"}); err != nil || !present || token != "a" {
		t.Errorf("one gives %q, %v, %v", token, present, err)
	}
	for _, bad := range [][]string{{"Basic a"}, {"Bearer a", "Bearer a"}, {"Bearer a", ""}, {"", "Bearer a"}, {"", ""}} {
		token, present, err := auth.BearerFrom(bad)
		if !errors.Is(err, auth.ErrInvalidToken) || !present || token != "" {
			t.Errorf("%q gives %q, %v, %v", bad, token, present, err)
		}
	}
}

func FuzzBearer(f *testing.F) {
	for _, seed := range []string{"", "Bearer a.b.c", "bearer  a==", "Basic YTpi", "Bearer a, Bearer b", "Bearer \xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		token, present, err := auth.Bearer(header)
		switch {
		case err != nil:
			if !errors.Is(err, auth.ErrInvalidToken) || !present || token != "" {
				t.Errorf("%q gives %q, %v, %v", header, token, present, err)
			}
		case !present:
			if header != "" || token != "" {
				t.Errorf("%q gives %q and counts as absent", header, token)
			}
		default:
			scheme, rest, _ := strings.Cut(header, " ")
			if !strings.EqualFold(scheme, "bearer") || strings.Trim(rest, " ") != token || !strings.HasSuffix(header, token) {
				t.Errorf("%q gives %q", header, token)
			}
			if again, present, err := auth.Bearer("Bearer " + token); again != token || !present || err != nil {
				t.Errorf("%q alone gives %q, %v, %v", token, again, present, err)
			}
		}
	})
}
