//go:build linux || darwin

package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is the operating system's user whom Postgres runs as.
type account struct {
	name       string
	uid, gid   int
	credential *syscall.Credential // nil: whoever we are
}

// chooseAccount says whom Postgres runs as: ourselves, or, since Postgres
// refuses to be root, the owner of the cluster, else postgres, else nobody.
func chooseAccount(cluster string) (account, error) {
	owner, exists, err := ownerOf(cluster)
	if err != nil {
		return account{}, err
	}
	self := os.Geteuid()
	if self != 0 {
		if exists && owner.uid != self {
			return account{}, fmt.Errorf("the cluster %s belongs to %s, because root or somebody else made it: run as that user or as root, or choose another data directory", cluster, owner.name)
		}
		return account{name: userName(self), uid: self, gid: os.Getegid()}, nil
	}
	if exists && owner.uid != 0 {
		return owner.become(), nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2); err != nil {
			return account{}, fmt.Errorf("looking up the user %s: %w", name, err)
		}
		return account{name: name, uid: uid, gid: gid}.become(), nil
	}
	return account{}, errors.New("a Postgres cannot run as root, and this machine has neither a user postgres nor nobody: add one (useradd --system postgres), or run as an ordinary user")
}

// become adds what the kernel needs to run a child as the account.
func (a account) become() account {
	a.credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	return a
}

// give makes the account the owner of path, where that takes root.
func (a account) give(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// giveTree is give for a cluster that root owns, for example because root
// copied it here.
func (a account) giveTree(dir string) error {
	owner, exists, err := ownerOf(dir)
	if err != nil || !exists || a.credential == nil || owner.uid == a.uid {
		return err
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return a.give(path)
	})
}

// checkCanEnter makes sure that the account can go into dir. It lets a child
// try, so that access lists and the like count too. The error names the
// outermost directory that is in the way, and what to do.
func (a account) checkCanEnter(ctx context.Context, bin binaries, dir string) error {
	if a.credential == nil {
		return nil
	}
	enter := func(dir string) error {
		_, err := tool(ctx, a, "", dir, bin.postgres(), "--version")
		return err
	}
	err := enter(dir)
	if err == nil || ctx.Err() != nil {
		return err
	}
	inTheWay := dir
	for d := dir; ; d = filepath.Dir(d) {
		if enter(d) != nil {
			inTheWay = d
		}
		if d == filepath.Dir(d) {
			break
		}
	}
	mode := ""
	if fi, err := os.Stat(inTheWay); err == nil {
		mode = fmt.Sprintf(" (its mode is %04o)", fi.Mode().Perm())
	}
	return fmt.Errorf("root's Postgres runs as the user %s, who cannot enter %s%s on the way to the data directory %s: allow it with \"chmod o+x %s\", or choose a data directory elsewhere, for example /var/lib/redline: %w",
		a.name, inTheWay, mode, dir, inTheWay, err)
}

// ownerOf returns who owns path, and whether it exists.
func ownerOf(path string) (account, bool, error) {
	fi, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return account{}, false, nil
	}
	if err != nil {
		return account{}, false, fmt.Errorf("finding the owner of the cluster: %w", err)
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return account{}, false, fmt.Errorf("finding the owner of %s: the system does not tell", path)
	}
	uid := int(st.Uid)
	return account{name: userName(uid), uid: uid, gid: int(st.Gid)}, true, nil
}

// userName returns a user's name, or its number if it has none.
func userName(uid int) string {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return "user id " + strconv.Itoa(uid)
	}
	return u.Username
}

// clientName returns the name under which Postgres will see this process, for
// its check of who is calling.
func clientName() (string, error) {
	uid := strconv.Itoa(os.Geteuid())
	u, err := user.LookupId(uid)
	if err != nil {
		return "", fmt.Errorf("user id %s has no name on this machine, which Postgres needs (add it to /etc/passwd): %w", uid, err)
	}
	if strings.ContainsAny(u.Username, "\n\"") {
		return "", fmt.Errorf("the user name %q cannot be written in Postgres' configuration", u.Username)
	}
	return u.Username, nil
}
