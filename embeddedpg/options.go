// Package embeddedpg runs a private Postgres for one program: on a laptop,
// where nobody wants to set one up first, and in tests.
//
// The cluster lives in the data directory and outlives the program; the
// server process does not. Start takes a lock on the data directory, so that
// two programs never share one, finds Postgres 15 or newer on the machine (or
// fetches a pinned release, checked against its SHA-256), makes the cluster
// on first use and waits until it takes connections. Stop ends it.
//
// What happens when things go wrong:
//
//   - The program is killed: on Linux the kernel tells Postgres to shut down.
//     Anywhere else Postgres goes on, and the next Start on that directory
//     stops it first, once it is sure that the process is the Postgres of
//     this very directory.
//   - Postgres dies: Done closes, Err tells why. Whatever was committed is
//     there at the next Start.
//   - Making the cluster is interrupted: the next Start begins anew.
//   - Ctrl-C on a terminal reaches the program only. Postgres has a session
//     of its own and lives until Stop.
//
// Nobody from outside can connect: Postgres listens on a Unix socket in a
// directory that only its user may enter and asks the kernel who is calling,
// or, where no such socket can be had, on 127.0.0.1 with a password that is
// new at each start and kept nowhere.
//
// Postgres refuses to run as root. Started by root it runs as the user that
// owns the cluster, and a new cluster is given to the user postgres, or
// nobody where there is none. That user has to be able to enter the data
// directory; Start says which directory is in the way when it can't.
package embeddedpg

import (
	"errors"
	"log/slog"
)

// ErrInUse is what Start and Remove return, wrapped, while another running
// program holds the data directory.
var ErrInUse = errors.New("the data directory is in use")

// Options say where a private Postgres lives and how it runs.
type Options struct {
	// DataDir is the program's data directory. It is made if missing: 0700,
	// or 0711 for root, because Postgres then runs as another user who has
	// to pass through it. The cluster is its folder "postgres". Required.
	DataDir string

	// CacheDir keeps a downloaded Postgres. Several data directories may
	// share one. Default: "cache" in DataDir.
	CacheDir string

	// BinDir holds the programs initdb and postgres. Default: they are
	// looked for on PATH and in the folders that distributions, Homebrew,
	// Postgres.app and others use, and downloaded if there are none.
	BinDir string

	// Settings are added to Postgres' own, and win over the defaults of this
	// package. Those that say where it listens, whom it lets in and where its
	// files are cannot be set.
	Settings map[string]string

	// Fast gives up durability for speed: a crash of Postgres may lose what
	// was committed in the last second, one of the machine may destroy the
	// cluster. For tests only. Default: everything committed is on disk.
	Fast bool

	// TCP makes Postgres listen on a free port of 127.0.0.1, with a password,
	// even where a Unix socket would do.
	TCP bool

	// Log receives Postgres' log and what this package does. Postgres' own
	// messages are at debug level unless they need a person's attention; they
	// contain no statements and no values. Default: none.
	Log *slog.Logger
}
