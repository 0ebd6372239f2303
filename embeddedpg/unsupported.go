//go:build !linux && !darwin

package embeddedpg

import (
	"context"
	"fmt"
	"runtime"
)

// errUnsupported tells what to do on a system that this package was not
// written for.
var errUnsupported = fmt.Errorf("a private Postgres runs on Linux and macOS, not on %s: use a Postgres of your own and give its URL", runtime.GOOS)

// Server is a running private Postgres. There is none on this system.
type Server struct{}

// Start returns an error: see errUnsupported.
func Start(context.Context, Options) (*Server, error) { return nil, errUnsupported }

// Remove returns an error: see errUnsupported.
func Remove(context.Context, string) error { return errUnsupported }

// URL is empty: no Server comes from Start here.
func (*Server) URL() string { return "" }

// SuperuserURL is empty: no Server comes from Start here.
func (*Server) SuperuserURL() string { return "" }

// Done returns nil: no Server comes from Start here.
func (*Server) Done() <-chan struct{} { return nil }

// Err returns errUnsupported.
func (*Server) Err() error { return errUnsupported }

// Stop does nothing: no Server comes from Start here.
func (*Server) Stop(context.Context) error { return nil }
