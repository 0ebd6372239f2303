package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"redline"
)

// The paths that are served. PathAssets stands for all below it.
const (
	PathDashboard = "/"
	PathExplorer  = "/explorer"
	PathAssets    = "/assets/"
	PathAbout     = "/dashboard.json"
	PathToken     = "/dashboard/token"
	PathFeed      = "/dashboard/feed"
)

// The built files that are pages.
const (
	fileDashboard = "index.html"
	fileExplorer  = "explorer.html"
)

// Options say what is served.
type Options struct {
	// Files are the built pages, as web/dist has them. Default those of the binary.
	Files fs.FS
	// Dashboard and Explorer say which pages there are. Without either nothing is
	// served at all.
	Dashboard, Explorer bool
	// Version is the gateway's, for people to read, whoever they are. Default none.
	Version string
	// Demo are those as whom anybody may sign in. Default nobody, and no path that gives tokens.
	Demo []Identity
	// Issue signs a token for one of Demo, by its id, that is good for TTL. Both are
	// required where there is a Demo.
	Issue func(id string) (string, error)
	TTL   time.Duration
	// Hosts are the names by which pages may have asked for a token of Demo, beside
	// addresses and localhost: a name that somebody else may point here is no
	// such.
	Hosts []string
	// Read reads the documents of those who may send feeds. Default none, and no path
	// for it.
	Read Reader
	// Log is told of what goes wrong here, and of tokens that are refused. Default slog.Default().
	Log *slog.Logger
}

// Identity is somebody as whom a visitor of the demo may sign in.
type Identity struct {
	ID   string       `json:"id"`
	Role redline.Role `json:"role"`
	// Title is for people to read.
	Title string `json:"title"`
}

// Site is the pages, ready to be served. It may be used by many goroutines.
type Site struct {
	static, public, private map[string]http.Handler
}

// New reads the built pages. It fails where one that is asked for isn't there, or where
// a file is of a kind that it doesn't know.
func New(o Options) (*Site, error) {
	s := &Site{static: map[string]http.Handler{}, public: map[string]http.Handler{}, private: map[string]http.Handler{}}
	if !o.Dashboard && !o.Explorer {
		return s, nil
	}
	if len(o.Demo) > 0 && (o.Issue == nil || o.TTL < time.Second) {
		return nil, errors.New("web: whoever may sign in to the demo needs tokens: Issue and TTL are required")
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Files == nil {
		built, err := fs.Sub(dist, "dist")
		if err != nil {
			return nil, fmt.Errorf("web: opening the pages: %w", err)
		}
		o.Files = built
	}
	if err := s.read(o); err != nil {
		return nil, err
	}
	about, err := about(o)
	if err != nil {
		return nil, err
	}
	s.static[PathAbout] = about
	if len(o.Demo) > 0 {
		s.public[PathToken] = newTokens(o)
	}
	if o.Dashboard && o.Read != nil {
		s.private[PathFeed] = newFeeds(o)
	}
	return s, nil
}

// Static are the handlers of what is the same for everybody and in memory, by their exact
// paths. They look at no token.
func (s *Site) Static() map[string]http.Handler { return s.static }

// Public are the handlers of what isn't: they answer before any token is looked at, and
// do something that is worth counting.
func (s *Site) Public() map[string]http.Handler { return s.public }

// Private are the handlers that want the principal in the request's context.
func (s *Site) Private() map[string]http.Handler { return s.private }

// read makes a handler of each file that a page which is on loads.
func (s *Site) read(o Options) error {
	files, err := built(o.Files)
	if err != nil {
		return fmt.Errorf("web: reading the pages: %w", err)
	}
	pages := map[string]page{}
	var on []string
	for name, p := range map[string]page{
		fileDashboard: {PathDashboard, PolicyDashboard, o.Dashboard},
		fileExplorer:  {PathExplorer, PolicyExplorer, o.Explorer},
	} {
		pages[name] = p
		if !p.on {
			continue
		}
		if _, there := files[name]; !there {
			return fmt.Errorf("web: there is no %s among the built pages", name)
		}
		on = append(on, name)
	}
	for _, name := range loaded(files, on) {
		f, err := newFile(name, files[name])
		if err != nil {
			return fmt.Errorf("web: reading the pages: %w", err)
		}
		at := "/" + name
		if p, is := pages[name]; is {
			at, f.policy = p.path, p.policy
		}
		if strings.HasPrefix(at, PathAssets) {
			f.cache = cacheForGood
		}
		s.static[at] = f
	}
	return nil
}

// built are the files of a build by their names, but for what tools leave behind for themselves.
func built(in fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(in, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(path.Base(name), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		}
		files[name], err = fs.ReadFile(in, name)
		return err
	})
	return files, err
}

// loaded are the names of pages, and of all that they and what they load name: what only a page that
// is off loads isn't among them. The names of a build are like no other words.
func loaded(files map[string][]byte, pages []string) []string {
	found := slices.Clone(pages)
	for i := 0; i < len(found); i++ {
		for name := range files {
			if path.Ext(name) != ".html" && !slices.Contains(found, name) && bytes.Contains(files[found[i]], []byte(path.Base(name))) {
				found = append(found, name)
			}
		}
	}
	return found
}

// page is where a file is served, under which policy, and whether it is at all.
type page struct {
	path, policy string
	on           bool
}

// about is what the dashboard has to know before anybody has signed in.
func about(o Options) (*file, error) {
	content, err := json.Marshal(struct {
		Version  string     `json:"version,omitempty"`
		Explorer bool       `json:"explorer"`
		Demo     []Identity `json:"demo"`
	}{o.Version, o.Explorer, append([]Identity{}, o.Demo...)})
	if err != nil {
		return nil, fmt.Errorf("web: writing what the dashboard has to know: %w", err)
	}
	return newFile(path.Base(PathAbout), content)
}

// Paths are those that may be served, for whoever counts requests by path.
func Paths() []string {
	return []string{PathDashboard, PathExplorer, PathAssets, PathAbout, PathToken, PathFeed}
}
