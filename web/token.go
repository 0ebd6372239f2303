package web

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// maxTokenBody is the longest body that asks for a token, in bytes.
const maxTokenBody = 1 << 10

// tokens hands out the tokens of the demo, to pages of the gateway's own: whoever has a
// page of another site open isn't to lend it the demo.
type tokens struct {
	ids    []string
	hosts  []string
	issue  func(id string) (string, error)
	ttl    time.Duration
	origin *http.CrossOriginProtection
	log    *slog.Logger
}

func newTokens(o Options) *tokens {
	t := &tokens{issue: o.Issue, ttl: o.TTL, origin: http.NewCrossOriginProtection(), log: o.Log}
	for _, known := range o.Demo {
		t.ids = append(t.ids, known.ID)
	}
	for _, host := range o.Hosts {
		t.hosts = append(t.hosts, hostname(host))
	}
	return t
}

// ServeHTTP answers POST with a token, as OAuth's token endpoint would.
func (t *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		refuse(w, r, methodNotAllowed("POST", "a token is asked for by POST"))
		return
	}
	id, refused := t.read(w, r)
	if refused != nil {
		refuse(w, r, *refused)
		return
	}
	token, err := t.issue(id)
	if err != nil {
		t.log.LogAttrs(r.Context(), slog.LevelError, "a token of the demo could not be given", slog.String("id", id), slog.String("reason", err.Error()))
		refuse(w, r, refusal{status: http.StatusInternalServerError, code: "INTERNAL", message: "internal error"})
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(t.ttl.Seconds())})
}

// read says for whom a token is asked for, or why there is none.
func (t *tokens) read(w http.ResponseWriter, r *http.Request) (id string, refused *refusal) {
	no := func(f refusal) (string, *refusal) { return "", &f }
	if !t.ownHost(r.Host) {
		return no(forbidden("tokens of the demo are given at localhost, at an address, or at the name that the gateway was started with"))
	}
	if err := t.origin.Check(r); err != nil {
		return no(forbidden("tokens of the demo are given to the gateway's own pages"))
	}
	if is, _, err := mime.ParseMediaType(strings.Join(r.Header.Values("Content-Type"), ",")); err != nil || is != "application/json" {
		return no(refusal{status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE", message: "the body is to be application/json"})
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxTokenBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return no(refusal{status: http.StatusRequestEntityTooLarge, code: "PAYLOAD_TOO_LARGE", message: "the body is longer than 1 KiB"})
	}
	if err != nil {
		return no(badRequest("the body could not be read"))
	}
	var asked struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return no(badRequest(`the body is to be JSON, as {"id": "operator"}`))
	}
	if !slices.Contains(t.ids, asked.ID) {
		return no(badRequest("there is nobody with this id in the demo: " + PathAbout + " lists them"))
	}
	return asked.ID, nil
}

// ownHost reports whether a host is one at which only this gateway can be. A page of
// somebody's whose name suddenly stands for this machine (DNS rebinding) is of the same
// origin to its browser, but has that name for a host still: nobody can point an address or
// localhost elsewhere.
func (t *tokens) ownHost(host string) bool {
	name := hostname(host)
	if name == "localhost" || strings.HasSuffix(name, ".localhost") || slices.Contains(t.hosts, name) && name != "" {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// hostname is a host without its port, in the one form in which it is compared.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), "."))
}
