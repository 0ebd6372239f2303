package web

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// How long a browser keeps a file: one whose name changes with its content for a year,
// without asking; any other until it has asked whether it changed.
const (
	cacheForGood = "public, max-age=31536000, immutable"
	cacheAndAsk  = "no-cache"
)

// mediaType is what files of a kind are, and whether compressing them is of use. The
// machine's own table isn't asked, which is another one everywhere.
type mediaType struct {
	name       string
	compresses bool
}

// mediaTypes are those of the kinds of files that a build makes.
var mediaTypes = map[string]mediaType{
	".html":  {"text/html; charset=utf-8", true},
	".js":    {"text/javascript; charset=utf-8", true},
	".css":   {"text/css; charset=utf-8", true},
	".json":  {"application/json; charset=utf-8", true},
	".svg":   {"image/svg+xml", true},
	".txt":   {"text/plain; charset=utf-8", true},
	".ttf":   {"font/ttf", true},
	".ico":   {"image/vnd.microsoft.icon", true},
	".wasm":  {"application/wasm", true},
	".woff2": {"font/woff2", false},
	".png":   {"image/png", false},
	".webp":  {"image/webp", false},
}

// file answers GET and HEAD with one of the built files.
type file struct {
	mediaType
	content []byte
	// hash names the content in ETags.
	hash string
	// policy is the Content-Security-Policy; where it is "", it is that of data.
	policy string
	cache  string
	// compressed are the content in each of the codings, once it was asked for.
	compressed [len(codings)]struct {
		once    sync.Once
		content []byte // nil where it would be no smaller
	}
}

func newFile(name string, content []byte) (*file, error) {
	kind, known := mediaTypes[path.Ext(name)]
	if !known {
		return nil, fmt.Errorf("%s is of no kind that is served", name)
	}
	sum := sha256.Sum256(content)
	f := &file{mediaType: kind, content: content, hash: hex.EncodeToString(sum[:12]), cache: cacheAndAsk}
	if path.Ext(name) == ".js" {
		f.policy = policyScript
	}
	return f, nil
}

// ServeHTTP answers with the file in the coding that the client likes best, or says that
// it hasn't changed. A part of it isn't to be had: all of them are small.
func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, r, methodNotAllowed("GET, HEAD", "this path answers GET and HEAD"))
		return
	}
	header := w.Header()
	header.Set("Cache-Control", f.cache)
	if f.policy != "" {
		header.Set("Content-Security-Policy", f.policy)
	}
	content, tag := f.content, `"`+f.hash+`"`
	if f.compresses {
		header.Set("Vary", "Accept-Encoding")
		if coding := preferred(r.Header.Values("Accept-Encoding")); coding != identity {
			if smaller := f.in(coding); smaller != nil {
				content, tag = smaller, `"`+f.hash+"-"+codings[coding].name+`"`
				header.Set("Content-Encoding", codings[coding].name)
			}
		}
	}
	header.Set("ETag", tag)
	if has(r.Header.Values("If-None-Match"), tag) {
		header.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", f.name)
	header.Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content) // to nobody for HEAD; whoever is gone can ask again
}

// in returns the content in a coding, or nil where that is no smaller. Compressing
// takes a third of a second for the largest, and happens once, of one file at a time;
// whoever asks meanwhile waits.
func (f *file) in(coding int) []byte {
	c := &f.compressed[coding]
	c.once.Do(func() {
		compressing.Lock()
		defer compressing.Unlock()
		if out := codings[coding].compress(f.content); len(out) < len(f.content) {
			c.content = out
		}
	})
	return c.content
}

// has reports whether If-None-Match names an ETag (RFC 9110 §13.1.2). Whether it is weak
// makes no difference there.
func has(given []string, tag string) bool {
	for _, list := range given {
		for one := range strings.SplitSeq(list, ",") {
			if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
				return true
			}
		}
	}
	return false
}
