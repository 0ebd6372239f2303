//go:build linux || darwin

package embeddedpg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

const (
	// preferred is the major version of the pinned releases.
	preferred = 17
	// downloadTimeout bounds the whole of a download.
	downloadTimeout = 10 * time.Minute
	// maxArchive is well above the size of any pinned archive (20 MB or so).
	maxArchive = 128 << 20
)

// release is a published archive of Postgres' programs.
type release struct {
	name   string // of the folder in the cache
	major  int
	url    string
	sha256 string
}

const releases = "https://github.com/theseus-rs/postgresql-binaries/releases/download/17.11.0/"

// pinned are the archives that this package trusts, by GOOS/GOARCH. The
// checksums are the published ones; several unrelated projects pin the same.
var pinned = map[string]release{
	"linux/amd64": {
		name: "postgresql-17.11.0", major: preferred,
		url:    releases + "postgresql-17.11.0-x86_64-unknown-linux-gnu.tar.gz",
		sha256: "b7a1ba6bae6499d8296e3e81b0171eecfd1766ca9aaa0057e41ad3e844e5e2e0",
	},
	"linux/arm64": {
		name: "postgresql-17.11.0", major: preferred,
		url:    releases + "postgresql-17.11.0-aarch64-unknown-linux-gnu.tar.gz",
		sha256: "abffda09209280ec1502b73720dc4d254fb7fff9a072e324926c600a5b16c221",
	},
	"darwin/amd64": {
		name: "postgresql-17.11.0", major: preferred,
		url:    releases + "postgresql-17.11.0-x86_64-apple-darwin.tar.gz",
		sha256: "e43a81b15e1cfe7f9d8fd79c6d4d0366e9001a5f690e322224dca704656602f7",
	},
	"darwin/arm64": {
		name: "postgresql-17.11.0", major: preferred,
		url:    releases + "postgresql-17.11.0-aarch64-apple-darwin.tar.gz",
		sha256: "fd4b62794b160e26973a768a1eef3248aef9d2ff23ebd6d884a4299485e28e57",
	},
}

// fetcher brings a pinned release into a cache directory.
type fetcher struct {
	cache    string
	releases map[string]release // by GOOS/GOARCH
	client   *http.Client
	log      *slog.Logger
}

// fetch returns the folder with the programs of this machine's release, which
// it downloads, checks and unpacks unless the cache has it. A major other
// than 0 has to be the release's.
func (f fetcher) fetch(ctx context.Context, major int) (string, error) {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	r, ok := f.releases[platform]
	if !ok {
		return "", fmt.Errorf("there is no Postgres to download for %s", platform)
	}
	if major != 0 && major != r.major {
		return "", fmt.Errorf("the one to download has version %d, and the cluster was made by version %d", r.major, major)
	}
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	// Postgres may run as another user, who has to be able to read this.
	if err := makeDir(f.cache, 0o755); err != nil {
		return "", fmt.Errorf("making the cache: %w", err)
	}
	turn, err := lockWait(ctx, filepath.Join(f.cache, "lock"))
	if err != nil {
		return "", fmt.Errorf("waiting for another download: %w", err)
	}
	defer turn.Close()
	home := filepath.Join(f.cache, r.name)
	if _, err := os.Stat(home); err == nil {
		return filepath.Join(home, "bin"), nil
	}
	f.log.Info("no Postgres on this machine: downloading one", "url", r.url, "to", home)
	if err := f.install(ctx, r, home); err != nil {
		return "", fmt.Errorf("downloading %s: %w", r.url, err)
	}
	return filepath.Join(home, "bin"), nil
}

// install downloads, checks and unpacks a release. home appears only once all
// of it is there.
func (f fetcher) install(ctx context.Context, r release, home string) (err error) {
	archive, err := os.CreateTemp(f.cache, "download-*")
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, archive.Close(), os.Remove(archive.Name()))
	}()
	if err := f.download(ctx, r, archive); err != nil {
		return err
	}
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return err
	}
	unpacked, err := os.MkdirTemp(f.cache, "unpack-*")
	if err != nil {
		return err
	}
	if err := unpack(ctx, archive, unpacked); err != nil {
		return errors.Join(fmt.Errorf("unpacking it: %w", err), os.RemoveAll(unpacked))
	}
	if err := os.Chmod(unpacked, 0o755); err != nil {
		return errors.Join(err, os.RemoveAll(unpacked))
	}
	if err := os.Rename(unpacked, home); err != nil {
		return errors.Join(err, os.RemoveAll(unpacked))
	}
	return nil
}

// download writes the release's archive to w, and fails if it is not the very
// one that was pinned.
func (f fetcher) download(ctx context.Context, r release, w io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return err
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answered %s", resp.Status)
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(resp.Body, maxArchive+1))
	if err != nil {
		return err
	}
	if n > maxArchive {
		return fmt.Errorf("it is larger than %d MB", maxArchive>>20)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != r.sha256 {
		return fmt.Errorf("its SHA-256 is %s and should be %s: refused", got, r.sha256)
	}
	return nil
}

// downloadClient is made for one large file. The deadline of the whole is its
// caller's.
func downloadClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout:   15 * time.Second,
			ResponseHeaderTimeout: 30 * time.Second,
			DisableKeepAlives:     true,
		},
	}
}
