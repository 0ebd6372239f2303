package web_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"

	"redline"
	"redline/web"
)

// built are pages as a build leaves them.
func built() fstest.MapFS {
	script := strings.Repeat("export const answer = 42;\n", 200)
	return fstest.MapFS{
		"index.html":              {Data: []byte(`<title>dashboard</title><link href="/favicon.svg"><script src="/assets/index-Ab12.js"></script><link href="/assets/_shared-Cd34.css">`)},
		"explorer.html":           {Data: []byte(`<title>explorer</title><link href="/assets/codicon-Gh78.css"><link href="/assets/_shared-Cd34.css">`)},
		"favicon.svg":             {Data: []byte("<svg/>")},
		"assets/index-Ab12.js":    {Data: []byte(script)},
		"assets/_shared-Cd34.css": {Data: []byte(strings.Repeat("a { color: red }\n", 200) + "@font-face { src: url(./font-Ef56.woff2) }")},
		"assets/codicon-Gh78.css": {Data: []byte("@font-face { src: url(./codicon-Gh78.ttf) }")},
		"assets/left-Ij90.js":     {Data: []byte("nobody loads it")},
		"assets/font-Ef56.woff2":  {Data: []byte(strings.Repeat("woff", 200))},
		"assets/codicon-Gh78.ttf": {Data: []byte{1, 2, 3}}, // too short to be any smaller
		".vite/manifest.json":     {Data: []byte("{}")},
	}
}

// site serves pages; what is at no path of theirs is 404.
type site struct{ handlers map[string]http.Handler }

func newSite(t *testing.T, mend ...func(*web.Options)) site {
	t.Helper()
	o := web.Options{Files: built(), Dashboard: true, Explorer: true, Version: "v1.2.3"}
	for _, m := range mend {
		m(&o)
	}
	made, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := site{handlers: map[string]http.Handler{}}
	for path, h := range made.Static() {
		s.handlers[path] = h
	}
	for path, h := range made.Public() {
		s.handlers[path] = h
	}
	for path, h := range made.Private() {
		s.handlers[path] = h
	}
	return s
}

// ask sends a request with headers, name: value each.
func (s site) ask(t *testing.T, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Host = "localhost:8080"
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	if h := s.handlers[r.URL.Path]; h != nil {
		h.ServeHTTP(w, r)
	} else {
		w.WriteHeader(http.StatusNotFound)
	}
	return w
}

// Each file is served as what it is: pages under their own policies and asked for anew,
// hashed names for good. What tools leave behind isn't served, nor are pages by their
// files' names.
func TestFilesAreServed(t *testing.T) {
	t.Parallel()
	const ask, forGood = "no-cache", "public, max-age=31536000, immutable"
	s := newSite(t)
	for _, want := range []struct{ path, mediaType, cache, policy string }{
		{"/", "text/html; charset=utf-8", ask, web.PolicyDashboard},
		{"/?from=mail", "text/html; charset=utf-8", ask, web.PolicyDashboard},
		{"/explorer", "text/html; charset=utf-8", ask, web.PolicyExplorer},
		{"/dashboard.json", "application/json; charset=utf-8", ask, ""},
		{"/favicon.svg", "image/svg+xml", ask, ""},
		{"/assets/index-Ab12.js", "text/javascript; charset=utf-8", forGood, "default-src 'none'; script-src 'self'; frame-ancestors 'none'"},
		{"/assets/_shared-Cd34.css", "text/css; charset=utf-8", forGood, ""},
		{"/assets/font-Ef56.woff2", "font/woff2", forGood, ""},
		{"/assets/codicon-Gh78.ttf", "font/ttf", forGood, ""},
	} {
		got := s.ask(t, http.MethodGet, want.path, "")
		header := got.Header()
		if got.Code != http.StatusOK || header.Get("Content-Type") != want.mediaType || header.Get("Cache-Control") != want.cache ||
			header.Get("Content-Security-Policy") != want.policy || !strings.HasPrefix(header.Get("ETag"), `"`) {
			t.Errorf("%s: %d %v", want.path, got.Code, header)
		}
		head := s.ask(t, http.MethodHead, want.path, "")
		if head.Code != http.StatusOK || head.Header().Get("Content-Length") != header.Get("Content-Length") || head.Header().Get("ETag") != header.Get("ETag") {
			t.Errorf("HEAD %s: %d %v", want.path, head.Code, head.Header())
		}
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			got := s.ask(t, method, want.path, "")
			if got.Code != http.StatusMethodNotAllowed || got.Header().Get("Allow") != "GET, HEAD" || !strings.Contains(got.Body.String(), `"code":"METHOD_NOT_ALLOWED"`) {
				t.Errorf("%s %s: %d %v %s", method, want.path, got.Code, got.Header(), got.Body)
			}
		}
	}
	for _, path := range []string{"/index.html", "/explorer.html", "/assets", "/assets/", "/assets/index.js", "/assets/left-Ij90.js", "/.vite/manifest.json", "/dashboard/token"} {
		if got := s.ask(t, http.MethodGet, path, ""); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
	}
}

// A policy that lets in nothing but the gateway's own scripts: no inline ones, no eval,
// no other host.
func TestPoliciesAreTight(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]string{"dashboard": web.PolicyDashboard, "explorer": web.PolicyExplorer} {
		for _, want := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self';", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("the %s's policy lacks %s", name, want)
			}
		}
		if strings.Contains(policy, "eval") || strings.Contains(policy, "http") || strings.Contains(policy, "*") {
			t.Errorf("the %s's policy is %s", name, policy)
		}
	}
	if strings.Contains(web.PolicyDashboard, "unsafe") {
		t.Errorf("the dashboard's policy is %s", web.PolicyDashboard)
	}
}

// A client gets the coding that it likes best, each with an ETag of its own, and the file
// as it is where it wants none or none makes it smaller.
func TestCodings(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	plain := s.ask(t, http.MethodGet, "/assets/index-Ab12.js", "").Body.String()
	tags := map[string]string{}
	for accept, want := range map[string]string{
		"":                              "",
		"gzip, deflate, br, zstd":       "zstd",
		"gzip, deflate, br":             "gzip",
		"GZIP":                          "gzip",
		"gzip;q=1.0, zstd;q=0.5":        "gzip",
		"gzip;q=0.5, zstd;q=0.5":        "zstd",
		"zstd;q=0, gzip":                "gzip",
		"*":                             "zstd",
		"*;q=0.5, gzip;q=0.8":           "gzip",
		"identity, gzip;q=0.5":          "",
		"*;q=0":                         "",
		"gzip;q=0":                      "",
		"gzip;q=2, zstd;q=x":            "",
		"br":                            "",
		"gzipped":                       "",
		"deflate;q=1, gzip ; q = 0.001": "gzip",
	} {
		got := s.ask(t, http.MethodGet, "/assets/index-Ab12.js", "", "Accept-Encoding: "+accept)
		coding := got.Header().Get("Content-Encoding")
		if coding != want || got.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %v", accept, got.Header())
		}
		if coding != "" && got.Body.Len() >= len(plain) {
			t.Errorf("%q: %d bytes", accept, got.Body.Len())
		}
		if text := decoded(t, coding, got.Body.Bytes()); text != plain {
			t.Errorf("%q is another text", accept)
		}
		tag := got.Header().Get("ETag")
		if known, there := tags[coding]; there && known != tag {
			t.Errorf("%q: ETags %s and %s", accept, known, tag)
		}
		tags[coding] = tag
	}
	if len(tags) != 3 || tags[""] == tags["gzip"] || tags["gzip"] == tags["zstd"] || tags[""] == tags["zstd"] {
		t.Errorf("ETags %v", tags)
	}
	for _, path := range []string{"/assets/font-Ef56.woff2", "/assets/codicon-Gh78.ttf"} {
		got := s.ask(t, http.MethodGet, path, "", "Accept-Encoding: gzip, zstd")
		if got.Header().Get("Content-Encoding") != "" || got.Body.String() != string(built()[path[1:]].Data) {
			t.Errorf("%s: %v", path, got.Header())
		}
	}
}

func decoded(t *testing.T, coding string, body []byte) string {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		var d *zstd.Decoder
		d, err = zstd.NewReader(r)
		if err == nil {
			defer d.Close()
			r = d
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Who has a file already is told so, and sent nothing.
func TestNotModified(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, coding := range []string{"", "gzip", "zstd"} {
		accept := "Accept-Encoding: " + coding
		tag := s.ask(t, http.MethodGet, "/assets/index-Ab12.js", "", accept).Header().Get("ETag")
		for _, given := range []string{tag, "W/" + tag, `"other", ` + tag, `"other",` + tag + `,"more"`, "*"} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				got := s.ask(t, method, "/assets/index-Ab12.js", "", accept, "If-None-Match: "+given)
				header := got.Header()
				if got.Code != http.StatusNotModified || got.Body.Len() > 0 || header.Get("ETag") != tag || header.Get("Cache-Control") == "" ||
					header.Get("Vary") == "" || header.Get("Content-Encoding") != "" || header.Get("Content-Length") != "" {
					t.Errorf("%s with %s: %d %v", method, given, got.Code, header)
				}
			}
		}
		for _, given := range []string{`"other"`, strings.Trim(tag, `"`), "", `"` + tag} {
			if got := s.ask(t, http.MethodGet, "/assets/index-Ab12.js", "", accept, "If-None-Match: "+given); got.Code != http.StatusOK {
				t.Errorf("with %q: %d", given, got.Code)
			}
		}
	}
	// What one coding's name stands for is another file than what the client takes now.
	tag := s.ask(t, http.MethodGet, "/", "", "Accept-Encoding: gzip").Header().Get("ETag")
	changed := newSite(t, func(o *web.Options) {
		files := built()
		files["index.html"] = &fstest.MapFile{Data: []byte("<title>dashboard, anew</title>")}
		o.Files = files
	})
	if got := changed.ask(t, http.MethodGet, "/", "", "Accept-Encoding: gzip", "If-None-Match: "+tag); got.Code != http.StatusOK {
		t.Errorf("a changed page: %d", got.Code)
	}
}

// What is switched off isn't there, nor what it alone loads; what is switched on has to be.
func TestSwitches(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		dashboard, explorer bool
		there, missing      []string
	}{
		{true, false, []string{"/", "/dashboard.json", "/favicon.svg", "/assets/index-Ab12.js", "/assets/font-Ef56.woff2"}, []string{"/explorer", "/assets/codicon-Gh78.css", "/assets/codicon-Gh78.ttf"}},
		{false, true, []string{"/explorer", "/dashboard.json", "/assets/codicon-Gh78.ttf", "/assets/font-Ef56.woff2"}, []string{"/", "/favicon.svg", "/assets/index-Ab12.js"}},
		{false, false, nil, []string{"/", "/explorer", "/dashboard.json", "/dashboard/token", "/assets/index-Ab12.js", "/favicon.svg"}},
	} {
		s := newSite(t, func(o *web.Options) { o.Dashboard, o.Explorer = test.dashboard, test.explorer })
		for _, path := range test.there {
			if got := s.ask(t, http.MethodGet, path, ""); got.Code != http.StatusOK {
				t.Errorf("%+v: %s: %d", test, path, got.Code)
			}
		}
		for _, path := range test.missing {
			if got := s.ask(t, http.MethodGet, path, ""); got.Code != http.StatusNotFound {
				t.Errorf("%+v: %s: %d", test, path, got.Code)
			}
		}
	}
	for name, mend := range map[string]func(fstest.MapFS){
		"index.html":    func(files fstest.MapFS) { delete(files, "index.html") },
		"explorer.html": func(files fstest.MapFS) { delete(files, "explorer.html") },
		"assets/app.exe": func(files fstest.MapFS) {
			files["assets/app.exe"] = &fstest.MapFile{}
			files["index.html"] = &fstest.MapFile{Data: []byte("/assets/app.exe")}
		},
	} {
		files := built()
		mend(files)
		if _, err := web.New(web.Options{Files: files, Dashboard: true, Explorer: true}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The pages of the binary are such as can be served.
func TestEmbeddedPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *web.Options) { o.Files = nil })
	if got := s.ask(t, http.MethodGet, "/licenses.txt", ""); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "MIT License") {
		t.Errorf("the licences of what is built in: %d %.100s", got.Code, got.Body)
	}
	for _, path := range []string{"/", "/explorer"} {
		got := s.ask(t, http.MethodGet, path, "")
		if got.Code != http.StatusOK || !strings.Contains(strings.ToLower(got.Body.String()), "<!doctype html>") {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
		for _, inline := range []string{"<style", " style=", "<script>", " onload=", "http://", "https://"} {
			if strings.Contains(got.Body.String(), inline) {
				t.Errorf("%s has %q in it, which its policy refuses", path, inline)
			}
		}
	}
}

// Whoever has just come asks for all that a page loads at once: it is compressed a file at a time, in little
// memory.
func TestAllFilesAtOnceTakeLittleMemory(t *testing.T) {
	files, page := fstest.MapFS{}, ""
	for i := range 15 {
		name := fmt.Sprintf("assets/part-%04d.js", i)
		files[name] = &fstest.MapFile{Data: bytes.Repeat([]byte(name), 1000)}
		page += "/" + name + "\n"
	}
	files["index.html"] = &fstest.MapFile{Data: []byte(page)}
	made, err := web.New(web.Options{Files: files, Dashboard: true})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var asking sync.WaitGroup
	for path, handler := range made.Static() {
		asking.Go(func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			r.Header.Set("Accept-Encoding", "zstd")
			w := httptest.NewRecorder()
			if handler.ServeHTTP(w, r); w.Code != http.StatusOK {
				t.Errorf("%s: %d", path, w.Code)
			}
		})
	}
	asking.Wait()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 200<<20 {
		t.Errorf("it took %d MB of memory", grown>>20)
	}
}

// Two documents are read at a time; whoever comes meanwhile is told when to come again.
func TestFewDocumentsAreReadAtATime(t *testing.T) {
	t.Parallel()
	reading, goOn := make(chan struct{}), make(chan struct{})
	made, err := web.New(web.Options{Files: built(), Dashboard: true, Read: func(string, io.Reader) (*web.Document, error) {
		reading <- struct{}{}
		<-goOn
		return &web.Document{}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	send := func() *httptest.ResponseRecorder {
		supplier := redline.Principal{Issuer: "test", Subject: "sue", Role: redline.RoleSupplier, Scopes: []string{redline.ScopeInventoryWrite}}
		r := httptest.NewRequestWithContext(redline.WithPrincipal(t.Context(), supplier), http.MethodPost, web.PathFeed, strings.NewReader("sku"))
		w := httptest.NewRecorder()
		made.Private()[web.PathFeed].ServeHTTP(w, r)
		return w
	}
	var sending sync.WaitGroup
	for range 2 {
		sending.Go(func() {
			if got := send(); got.Code != http.StatusOK {
				t.Errorf("one that was read: %d %s", got.Code, got.Body)
			}
		})
		<-reading
	}
	if got := send(); got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") != "1" || !strings.Contains(got.Body.String(), "UNAVAILABLE") {
		t.Errorf("a third one: %d %v %s", got.Code, got.Header(), got.Body)
	}
	close(goOn)
	sending.Wait()
	sending.Go(func() { <-reading })
	if got := send(); got.Code != http.StatusOK {
		t.Errorf("one that came after: %d %s", got.Code, got.Body)
	}
	sending.Wait()
}
