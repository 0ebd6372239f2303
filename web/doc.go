// Package web serves the pages that the gateway brings along: the dashboard at /,
// GraphiQL at /explorer, what they load from /assets, and what the dashboard has to
// know before anybody has signed in.
//
// The pages are built from web/app into web/dist, and are part of the binary: nothing is
// read from a disk, and no page needs another host. Everything that they are is in
// memory, known at the start by its exact path. There are no folders to climb out of.
//
// The names in /assets hold a hash of what they name, so that browsers keep them for
// good; everything else is asked for again with its ETag. A file is compressed
// when it is first asked for, once, and kept that way.
//
// The pages know no secret. Whoever opens one signs in with a token of his own; in demo
// mode alone, /dashboard/token hands them out, to pages of this gateway's own.
// /dashboard/feed reads a feed's document for whoever may send one.
package web

import "embed"

// dist is what `make web` has built. Names may begin with _, which embed leaves out of
// a folder unless told otherwise.
//
//go:embed all:dist
var dist embed.FS
