package oauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"redline"
	"redline/oauth"
)

// doorkeeper lets one client in, and forgets who asked.
type doorkeeper struct{}

func (doorkeeper) ClientAuthenticate(_ context.Context, id, given string) (*redline.ClientGrant, error) {
	if id != "client" || given != "secret" {
		return nil, redline.Errorf(redline.CodeUnauthenticated, nil, "no")
	}
	return &redline.ClientGrant{ClientID: id, Role: redline.RoleStorefront, Scopes: redline.DefaultScopes(redline.RoleStorefront)}, nil
}

// FuzzToken looks for a request that gets a token without the secret, more than the client
// has, or an answer that isn't one.
func FuzzToken(f *testing.F) {
	for _, authorization := range []string{"", "Basic Y2xpZW50OnNlY3JldA==", "Basic Y2xpZW50OndST05H", "Bearer x", "basic  Y2xpZW50OnNlY3JldA==", "Basic :"} {
		for _, body := range []string{
			"", grant, grant + "&client_id=client&client_secret=secret", grant + "&client_id=client&client_secret=x", grant + "&scope=orders:read",
			grant + "&scope=all", grant + "&scope=", "grant_type=x", grant + "&" + grant, "%", "a;b", "\xff=\x00",
		} {
			f.Add(authorization, "", "application/x-www-form-urlencoded", body)
		}
	}
	f.Add("", "a=b", "application/json", "{}")
	f.Fuzz(func(t *testing.T, authorization, query, contentType, body string) {
		given := 0
		s, err := oauth.New(oauth.Options{
			Clients: doorkeeper{}, KeySet: []byte(`{"keys":[]}`), Log: slog.New(slog.DiscardHandler),
			Issue: func(grant redline.ClientGrant, _ time.Duration) (string, error) {
				if given++; len(grant.Scopes) == 0 {
					return "", errors.New("no scope")
				}
				for _, scope := range grant.Scopes {
					if scope != redline.ScopeOrdersRead && scope != redline.ScopeOrdersWrite {
						t.Errorf("it is given %q", scope)
					}
				}
				return "token", nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, oauth.PathToken, strings.NewReader(body))
		r.URL.RawQuery = query
		r.Header["Content-Type"] = []string{contentType}
		if authorization != "" {
			r.Header["Authorization"] = []string{authorization}
		}
		w := httptest.NewRecorder()
		s.Handlers()[oauth.PathToken].ServeHTTP(w, r)
		var answer struct {
			Token string `json:"access_token"`
			Error string `json:"error"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || (answer.Token == "") == (answer.Error == "") || (w.Code == 200) != (answer.Token != "") {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
		if w.Code >= 500 || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if given == 0 {
			return
		}
		// Read again by other means.
		form, err := url.ParseQuery(body)
		r.Header.Set("Authorization", strings.Join(strings.Fields(authorization), " "))
		id, secret, basic := r.BasicAuth()
		if !basic {
			id, secret = form.Get("client_id"), form.Get("client_secret")
		}
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
		if err != nil || query != "" || form.Get("grant_type") != "client_credentials" || id != "client" || secret != "secret" {
			t.Errorf("a token is given for %q %q %q", authorization, query, body)
		}
	})
}
