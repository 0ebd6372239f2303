//go:build linux || darwin

package embeddedpg_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"redline/embeddedpg"
)

func itoa(i int) string { return strconv.Itoa(i) }

func TestKilledProgram(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	c := startChild(t, dir, nil)
	query(t, c.line(t), "SET synchronous_commit = on; CREATE TABLE kept AS SELECT 'acknowledged' AS x")
	pid := postmaster(t, dir)

	noError(t, c.cmd.Process.Kill())
	// At once, while the Postgres left behind may still be there.
	s := start(t, embeddedpg.Options{DataDir: dir, Fast: true})
	equal(t, "the data", query(t, s.URL(), "SELECT x FROM kept"), "acknowledged")
	if postmaster(t, dir) == pid {
		t.Error("the old Postgres is still at work")
	}
}

func TestPostgresFollowsAKilledProgram(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		return // the package promises it for Linux alone
	}
	dir := dataDir(t)
	c := startChild(t, dir, nil)
	equal(t, "its answer", query(t, c.line(t), "SELECT 'up'"), "up")

	noError(t, c.cmd.Process.Kill())
	// Postgres removes the file as the last thing of a clean shutdown.
	eventually(t, "Postgres has shut down cleanly", func() bool { return !exists(pidFile(dir)) })
}

func TestInterruptAtTheTerminal(t *testing.T) {
	t.Parallel()
	c := startChild(t, dataDir(t), nil)
	c.line(t)
	// Ctrl-C goes to the whole process group.
	noError(t, syscall.Kill(-c.cmd.Process.Pid, syscall.SIGINT))
	equal(t, "what Postgres answers after it", c.line(t), "still here")
	noError(t, c.cmd.Wait())
}

// As ordinary users Postgres and the program are the same user.
func TestOrdinaryUser(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	c := startChild(t, filepath.Join(dir, "data"), func(cmd *exec.Cmd) {
		if os.Geteuid() != 0 {
			return
		}
		nobody, err := user.Lookup("nobody")
		noError(t, err)
		uid, err := strconv.Atoi(nobody.Uid)
		noError(t, err)
		gid, err := strconv.Atoi(nobody.Gid)
		noError(t, err)
		noError(t, os.Chown(dir, uid, gid))
		// The test binary is where only root gets to it.
		cmd.Path = copyFile(t, cmd.Path, filepath.Join(dir, "program"))
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	})
	if url := c.line(t); !strings.HasPrefix(url, "postgres://") {
		t.Fatal(url)
	}
	self, _ := owner(t, dir)
	uid, _ := owner(t, cluster(filepath.Join(dir, "data")))
	equal(t, "the cluster's owner", uid, self)
	equal(t, "the data directory's mode", mode(t, filepath.Join(dir, "data")), 0o700)

	if os.Geteuid() == 0 {
		// Root takes it over without taking it away.
		noError(t, c.stdin.Close())
		noError(t, c.cmd.Wait())
		noError(t, os.Chmod(filepath.Join(dir, "data"), 0o711))
		s := start(t, embeddedpg.Options{DataDir: filepath.Join(dir, "data"), Fast: true})
		equal(t, "its answer to root", query(t, s.URL(), "SELECT 'you too'"), "you too")
		uid, _ = owner(t, cluster(filepath.Join(dir, "data")))
		equal(t, "the cluster's owner after root ran it", uid, self)
	}
}

// Somebody else's cluster is told of, not fought with.
func TestClusterOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // takes two users
	}
	dir := dataDir(t)
	program := copyFile(t, executable(t), filepath.Join(dir, "program"))
	data := filepath.Join(dir, "data")
	noError(t, os.Mkdir(data, 0o755))
	noError(t, os.Chmod(data, 0o777))
	noError(t, os.Mkdir(cluster(data), 0o700))
	nobody, err := user.Lookup("nobody")
	noError(t, err)
	uid, err := strconv.Atoi(nobody.Uid)
	noError(t, err)
	c := startChild(t, data, func(cmd *exec.Cmd) {
		cmd.Path = program
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
	})
	said := c.line(t)
	if !strings.Contains(said, cluster(data)) || !strings.Contains(said, "belongs to root") {
		t.Errorf("it said %q", said)
	}
}

// Root's Postgres runs as another user, and so has to be able to enter; an
// ordinary user's runs into what the user runs into.
func TestDirectoryInTheWay(t *testing.T) {
	t.Parallel()
	gate := filepath.Join(dataDir(t), "gate")
	data := filepath.Join(gate, "inner", "data")
	for _, dir := range []string{gate, filepath.Dir(data), data} {
		noError(t, os.Mkdir(dir, 0o755))
		noError(t, os.Chmod(dir, 0o755)) // whatever the umask
	}
	if os.Geteuid() == 0 {
		noError(t, os.Chmod(gate, 0o700))
	} else {
		noError(t, os.Chmod(gate, 0))
		t.Cleanup(func() { noError(t, os.Chmod(gate, 0o700)) })
	}
	err := startError(t, embeddedpg.Options{DataDir: data, Fast: true})
	mentions(t, err, gate, "permission denied")
	if os.Geteuid() == 0 {
		mentions(t, err, "cannot enter "+gate+" (its mode is 0700)", `"chmod o+x `+gate+`"`)
		noError(t, os.Chmod(gate, 0o711)) // as it was told
		start(t, embeddedpg.Options{DataDir: data, Fast: true})
	}
}

// What a program leaves that is killed where the kernel does not see to it.
func TestOrphanIsStopped(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, embeddedpg.Options{DataDir: dir, Fast: true})
	query(t, s.URL(), "CREATE TABLE kept AS SELECT 'by the first' AS x")
	programs := query(t, s.SuperuserURL(), "SELECT setting FROM pg_config WHERE name = 'BINDIR'")
	stop(t, s)

	uid, gid := owner(t, cluster(dir))
	sockets := filepath.Join(dir, "elsewhere")
	noError(t, os.Mkdir(sockets, 0o700))
	noError(t, os.Chown(sockets, uid, gid))
	orphan := exec.Command(filepath.Join(programs, "postgres"), "-D", cluster(dir), "-c", "listen_addresses=", "-c", "unix_socket_directories="+sockets)
	orphan.Dir = "/"
	orphan.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if os.Geteuid() == 0 {
		orphan.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	noError(t, orphan.Start())
	ended := make(chan error, 1)
	go func() { ended <- orphan.Wait() }()
	eventually(t, "the orphan is ready", func() bool {
		b, err := os.ReadFile(pidFile(dir))
		return err == nil && strings.Contains(string(b), "ready")
	})
	equal(t, "whose pid file it is", postmaster(t, dir), orphan.Process.Pid)

	s = start(t, embeddedpg.Options{DataDir: dir, Fast: true})
	noError(t, <-ended) // status 0: it was asked to stop, and not killed
	equal(t, "the data", query(t, s.URL(), "SELECT x FROM kept"), "by the first")
}

// The number in a stale pid file may by now be anybody's.
func TestStalePidFile(t *testing.T) {
	t.Parallel()
	other := dataDir(t)
	bystander := start(t, embeddedpg.Options{DataDir: other, Fast: true})
	gone := exec.Command("true")
	noError(t, gone.Run())

	dir := dataDir(t)
	stop(t, start(t, embeddedpg.Options{DataDir: dir, Fast: true}))
	for name, content := range map[string]string{
		"this test":          itoa(os.Getpid()),
		"another's Postgres": itoa(postmaster(t, other)),
		"nobody":             itoa(gone.Process.Pid),
		"single-user mode":   itoa(-gone.Process.Pid),
		"nothing":            "",
		"nonsense":           "\x00\x00\x00\x00",
	} {
		lines := fmt.Sprintf("%s\n%s\n1700000000\n5432\n/tmp\n\n  12345678     65536\nready   \n", content, cluster(dir))
		if content == "" {
			lines = ""
		}
		uid, gid := owner(t, cluster(dir))
		noError(t, os.WriteFile(pidFile(dir), []byte(lines), 0o600))
		noError(t, os.Chown(pidFile(dir), uid, gid))
		s := start(t, embeddedpg.Options{DataDir: dir, Fast: true})
		equal(t, "the answer after a pid file of "+name, query(t, s.URL(), "SELECT 'up'"), "up")
		stop(t, s)
	}
	equal(t, "the bystander's answer", query(t, bystander.URL(), "SELECT 'unhurt'"), "unhurt")
}

func executable(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	noError(t, err)
	return self
}

// copyFile copies a program to where everybody can run it.
func copyFile(t *testing.T, from, to string) string {
	t.Helper()
	in, err := os.Open(from)
	noError(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	noError(t, err)
	_, err = io.Copy(out, in)
	noError(t, err)
	noError(t, out.Chmod(0o755))
	noError(t, out.Close())
	return to
}
