package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"time"

	"redline/supplier"
	"redline/web"
)

// dashboardFlags say which pages are served.
type dashboardFlags struct {
	Dashboard bool  `default:"true" negatable:"" help:"Serve the dashboard at /."`
	Explorer  *bool `negatable:"" help:"Serve GraphiQL, to try the API out, at /explorer. Left out, --demo and --dev do."`
}

// explorer reports whether the explorer is served, in a mode.
func (f *dashboardFlags) explorer(mode modeFlags) bool {
	if f.Explorer != nil {
		return *f.Explorer
	}
	return mode.Demo || mode.Dev
}

// site makes the pages. Whoever opens one may sign in as any of the demo's users, where
// the data directory's key signs tokens.
func (c *serveCmd) site(users demoRoster, keys *keyring, log *slog.Logger) (*web.Site, error) {
	o := web.Options{Dashboard: c.Dashboard, Explorer: c.explorer(c.modeFlags), Read: readDocument, Log: log}
	if c.Demo || c.Dev {
		o.Version = version() // elsewhere it is nobody's business
	}
	if keys.local != nil {
		o.TTL, o.Hosts = demoTTL, c.ownHosts()
		o.Issue = func(id string) (string, error) { return users.token(id, keys) }
		for _, user := range users {
			o.Demo = append(o.Demo, web.Identity{ID: user.id, Role: user.claims.Role, Title: user.title})
		}
	}
	return web.New(o)
}

// ownHosts are the names that the gateway was told are its own.
func (c *serveCmd) ownHosts() []string {
	var names []string
	if host, _, err := net.SplitHostPort(c.Addr); err == nil && host != "" {
		names = append(names, host)
	}
	if u, err := url.Parse(c.PublicURL); err == nil && u.Host != "" {
		names = append(names, u.Host)
	}
	return names
}

// warnOfDemo says where the demo's tokens are for more than this machine: at an address
// that others reach, or by a proxy that they do.
func (c *serveCmd) warnOfDemo(at net.Addr, keys *keyring, log *slog.Logger) {
	if !c.Demo || keys.local == nil || !c.Dashboard && !c.explorer(c.modeFlags) {
		return
	}
	if tcp, ok := at.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		log.Warn("--demo gives a token of any role to whoever reaches this address", "addr", at.String())
	}
	if u, err := url.Parse(c.PublicURL); err == nil && u.Host != "" && !loopback(u.Hostname()) {
		log.Warn("--demo gives a token of any role to whoever reaches this URL", "publicUrl", c.PublicURL)
	}
}

// readDocument reads a feed's document as `redline feed` does.
func readDocument(format string, document io.Reader) (*web.Document, error) {
	reader, err := documentFormat(format, false, time.UTC)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", web.ErrFormat, err)
	}
	feed, err := reader.Read("", document)
	if wrong, ok := errors.AsType[*supplier.Errors](err); ok {
		unreadable := &web.Unreadable{More: wrong.More}
		for _, p := range wrong.Problems {
			unreadable.Problems = append(unreadable.Problems, web.Problem{Place: p.Place.String(), Where: p.Where, Message: p.Message})
		}
		return nil, unreadable
	}
	if err != nil {
		return nil, fmt.Errorf("reading a document: %w", err)
	}
	out := &web.Document{Measure: feed.Measure, AsOf: feed.AsOf, Test: feed.Test}
	for _, row := range feed.Rows {
		out.Rows = append(out.Rows, row.SupplierFeedRow)
		out.Places = append(out.Places, row.Place.String())
	}
	return out, nil
}
