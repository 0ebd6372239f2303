//go:build linux || darwin

package embeddedpg

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// socketPort is the number in a socket's name. Each socket has a directory of
// its own, so that it need not be free.
const socketPort = 5432

// endpoint is where Postgres listens: on a socket in a directory, or on a
// port of 127.0.0.1.
type endpoint struct {
	socketDir string
	port      int    // with a password, if socketDir is empty
	password  string // of both roles
}

// chooseEndpoint returns a socket if one can be had, else, or if tcp says so,
// a port of 127.0.0.1.
func chooseEndpoint(ctx context.Context, l layout, as account, tcp bool) (endpoint, error) {
	if !tcp {
		for _, dir := range socketDirs(l) {
			if socketWorks(ctx, dir, as) {
				return endpoint{socketDir: dir}, nil
			}
			_ = os.Remove(dir) // if it is empty, and ours
		}
	}
	port, err := freePort(ctx)
	if err != nil {
		return endpoint{}, err
	}
	return endpoint{port: port, password: rand.Text()}, nil
}

// socketDirs are the places for the socket, best first. A socket's path has
// room for 100 bytes or so, which a data directory deep down exceeds; the
// name of the other ones depends on the data directory alone, so that they
// are found again after a crash.
func socketDirs(l layout) []string {
	sum := sha256.Sum256([]byte(l.root()))
	name := "redline-" + strconv.Itoa(os.Geteuid()) + "-" + hex.EncodeToString(sum[:8])
	return []string{l.socket(), filepath.Join(os.TempDir(), name), filepath.Join("/tmp", name)}
}

// socketWorks makes dir a private directory of the account's, and tries
// whether a socket can be made in it. It may not if the path is too long or
// the file system knows no sockets.
func socketWorks(ctx context.Context, dir string, as account) bool {
	// In a URL a comma separates several hosts.
	if strings.Contains(dir, ",") {
		return false
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return false
	} else if err == nil {
		if err := as.give(dir); err != nil {
			return false
		}
	}
	// It may stand in a directory that is everybody's: it has to be what we
	// made, and nobody else's link to somewhere.
	fi, err := os.Lstat(dir)
	if err != nil || !fi.IsDir() || fi.Mode().Perm() != 0o700 {
		return false
	}
	if owner, _, err := ownerOf(dir); err != nil || owner.uid != as.uid {
		return false
	}
	// As long as Postgres' own name, .s.PGSQL.5432.
	probe := filepath.Join(dir, ".s.PGSQL.test")
	if err := os.Remove(probe); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", probe)
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

// freePort returns a port of 127.0.0.1 that was free a moment ago.
func freePort(ctx context.Context) (int, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	addr, ok := listener.Addr().(*net.TCPAddr)
	if err := listener.Close(); err != nil || !ok {
		return 0, errors.Join(errors.New("finding a free port"), err)
	}
	return addr.Port, nil
}

// prepare sets the password, where there is one. No server may run.
func (e endpoint) prepare(ctx context.Context, cluster string, bin binaries, as account, fast bool) error {
	if e.password == "" {
		return nil
	}
	err := singleUser(ctx, cluster, bin, as, fast,
		"ALTER ROLE "+role+" PASSWORD '"+e.password+"'",
		"ALTER ROLE "+superuser+" PASSWORD '"+e.password+"'")
	if err != nil {
		return fmt.Errorf("setting the password: %w", err)
	}
	return nil
}

// settings make Postgres listen here and nowhere else.
func (e endpoint) settings() map[string]string {
	if e.socketDir == "" {
		return map[string]string{
			"listen_addresses":        "127.0.0.1",
			"port":                    strconv.Itoa(e.port),
			"unix_socket_directories": "",
		}
	}
	return map[string]string{
		"listen_addresses": "",
		"port":             strconv.Itoa(socketPort),
		// The setting is a list of names that may be quoted.
		"unix_socket_directories": `"` + strings.ReplaceAll(e.socketDir, `"`, `""`) + `"`,
		"unix_socket_permissions": "0700",
	}
}

// url is what a client needs to connect.
func (e endpoint) url(user, database string) string {
	u := url.URL{Scheme: "postgres", Path: "/" + database}
	q := url.Values{"sslmode": {"disable"}}
	if e.socketDir == "" {
		u.User = url.UserPassword(user, e.password)
		u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(e.port))
	} else {
		u.User = url.User(user)
		q.Set("host", e.socketDir)
		q.Set("port", strconv.Itoa(socketPort))
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// clean removes the socket's directory.
func (e endpoint) clean() error {
	if e.socketDir == "" {
		return nil
	}
	return os.RemoveAll(e.socketDir)
}
