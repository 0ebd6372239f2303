package oauth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"redline"
)

// document answers GET and HEAD with what never changes while the gateway runs. It may
// be kept for some minutes: of two keys that take turns the new one is published before
// it signs.
func document(mediaType string, body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "there is only GET", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body) // to nobody for HEAD; whoever is gone needs it no more
	})
}

// metadata says where all of this is and what it takes (RFC 8414 §2).
func metadata(publicURL string) []byte {
	body, err := json.Marshal(map[string]any{
		"issuer":                                publicURL,
		"token_endpoint":                        publicURL + PathToken,
		"jwks_uri":                              publicURL + PathKeys,
		"grant_types_supported":                 []string{grantType},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"scopes_supported":                      redline.DefaultScopes(redline.RoleAdmin),
		"response_types_supported":              []string{}, // required, and there is no authorization endpoint
	})
	if err != nil {
		panic(fmt.Errorf("writing the metadata: %w", err)) // texts always marshal
	}
	return body
}
