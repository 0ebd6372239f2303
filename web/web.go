package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
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
	// Version is the gateway's, for people to read.
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
	// Read reads the documents of those who may send feeds, who are known by what
	// Authenticate says. Default none, and no path for it.
	Read         Reader
	Authenticate func(ctx context.Context, authorization []string) (redline.Principal, error)
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
	static map[string]http.Handler
	public map[string]http.Handler
}

// New reads the built pages. It fails where one that is asked for isn't there, or where
// a file is of a kind that it doesn't know.
func New(o Options) (*Site, error) {
	s := &Site{static: map[string]http.Handler{}, public: map[string]http.Handler{}}
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
		if o.Authenticate == nil {
			return nil, errors.New("web: whoever sends documents has to be known: an Authenticate is required")
		}
		s.public[PathFeed] = &feeds{read: o.Read, authenticate: o.Authenticate, log: o.Log}
	}
	return s, nil
}

// Static are the handlers of what is the same for everybody and in memory, by their exact
// paths. They look at no token, and serving one costs no more than refusing to.
func (s *Site) Static() map[string]http.Handler { return s.static }

// Public are the handlers of what isn't: they answer before any token is looked at, and
// do something that is worth counting.
func (s *Site) Public() map[string]http.Handler { return s.public }

// read makes a handler of each file.
func (s *Site) read(o Options) error {
	pages := map[string]page{
		fileDashboard: {PathDashboard, PolicyDashboard, o.Dashboard},
		fileExplorer:  {PathExplorer, PolicyExplorer, o.Explorer},
	}
	err := fs.WalkDir(o.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(path.Base(name), "."):
			// What tools leave behind for themselves.
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		}
		content, err := fs.ReadFile(o.Files, name)
		if err != nil {
			return err
		}
		at := page{path: "/" + name, on: true}
		if known, is := pages[name]; is {
			at = known
			delete(pages, name)
		}
		if !at.on {
			return nil
		}
		f, err := newFile(name, content)
		if err != nil {
			return err
		}
		if at.policy != "" {
			f.policy = at.policy
		}
		if strings.HasPrefix(at.path, PathAssets) {
			f.cache = cacheForGood
		}
		s.static[at.path] = f
		return nil
	})
	if err != nil {
		return fmt.Errorf("web: reading the pages: %w", err)
	}
	for name, missing := range pages {
		if missing.on {
			return fmt.Errorf("web: there is no %s among the built pages", name)
		}
	}
	return nil
}

// page is where a file is served, under which policy, and whether it is at all.
type page struct {
	path, policy string
	on           bool
}

// about is what the dashboard has to know before anybody has signed in.
func about(o Options) (*file, error) {
	content, err := json.Marshal(struct {
		Version  string     `json:"version"`
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
