//go:build linux || darwin

package embeddedpg

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const (
	// maxUnpacked bounds all files of an archive together, in bytes.
	maxUnpacked = 2 << 30
	// maxEntries bounds their number.
	maxEntries = 50_000
)

// unpack writes the files of a gzipped tar archive below dir, without the one
// folder that all of them are in. Nothing is written outside dir, whatever
// the archive's names and links say: one that tries is refused, and what it
// has left in dir then is of no use. Files are readable by everybody and
// writable by their owner alone.
func unpack(ctx context.Context, archive io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	gz, err := gzip.NewReader(archive)
	if err != nil {
		return fmt.Errorf("reading gzip: %w", err)
	}
	defer gz.Close()
	var links []string
	left := int64(maxUnpacked)
	entries := tar.NewReader(gz)
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return checkLinks(root, links)
		}
		if err != nil {
			return fmt.Errorf("reading tar: %w", err)
		}
		if left -= h.Size; left < 0 || n >= maxEntries {
			return errors.New("the archive holds too much")
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if err := unpackEntry(root, h, entries); err != nil {
			return fmt.Errorf("%q: %w", h.Name, err)
		}
		if h.Typeflag == tar.TypeSymlink {
			links = append(links, h.Name)
		}
	}
}

// checkLinks makes sure that links which are harmless one by one do not lead
// out together. One that leads to nothing inside may stay.
func checkLinks(root *os.Root, links []string) error {
	for _, link := range links {
		name, err := inner(link)
		if err != nil {
			return err
		}
		if _, err := root.Stat(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%q: %w", link, err)
		}
	}
	return nil
}

// unpackEntry writes one entry. The Root refuses whatever leads out of it,
// also by way of links that came before.
func unpackEntry(root *os.Root, h *tar.Header, content io.Reader) error {
	name, err := inner(h.Name)
	if err != nil || name == "" {
		return err
	}
	if err := makeDirs(root, filepath.Dir(name)); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return makeDirs(root, name)
	case tar.TypeReg:
		mode := os.FileMode(0o644)
		if h.Mode&0o111 != 0 {
			mode = 0o755
		}
		f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, content); err != nil {
			return errors.Join(err, f.Close())
		}
		return errors.Join(f.Chmod(mode), f.Close())
	case tar.TypeSymlink:
		if path.IsAbs(h.Linkname) || !filepath.IsLocal(path.Join(path.Dir(name), h.Linkname)) {
			return fmt.Errorf("it is a link out of the archive, to %q", h.Linkname)
		}
		return root.Symlink(h.Linkname, name)
	case tar.TypeLink:
		target, err := inner(h.Linkname)
		if err != nil {
			return err
		}
		return root.Link(target, name)
	default:
		return fmt.Errorf("an entry of type %q has no place here", h.Typeflag)
	}
}

// makeDirs makes a folder, with those it is in, that everybody can read
// whatever the umask.
func makeDirs(root *os.Root, name string) error {
	if fi, err := root.Stat(name); err == nil && fi.IsDir() {
		return nil
	}
	if err := makeDirs(root, filepath.Dir(name)); err != nil {
		return err
	}
	if err := root.Mkdir(name, 0o755); err != nil {
		return err
	}
	return root.Chmod(name, 0o755)
}

// inner strips the archive's outermost folder from a name. It is empty for
// that folder itself.
func inner(name string) (string, error) {
	name = strings.TrimPrefix(name, "./")
	if path.IsAbs(name) || !filepath.IsLocal(path.Clean(name)) {
		return "", errors.New("the name leads out of the archive")
	}
	_, rest, _ := strings.Cut(path.Clean(name), "/")
	return rest, nil
}
