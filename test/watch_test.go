package test_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"redline"
)

// watcher is one running `redline watch`.
type watcher struct {
	cmd  *exec.Cmd
	out  *book
	said *book
	done chan struct{}
}

// watch starts a watch of a gateway at an address, with a token or none.
func watch(t *testing.T, addr, token string, args ...string) *watcher {
	t.Helper()
	return watchURL(t, "http://"+addr, token, args...)
}

func watchURL(t *testing.T, url, token string, args ...string) *watcher {
	t.Helper()
	w := &watcher{out: newBook(), said: newBook(), done: make(chan struct{})}
	w.cmd = exec.CommandContext(t.Context(), world.binary, append([]string{"watch", "--url", url}, args...)...)
	w.cmd.Env, w.cmd.Stdout, w.cmd.Stderr = environ("REDLINE_TOKEN="+token), w.out, w.said
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(w.done)
		_ = w.cmd.Wait() // the code says it
	}()
	t.Cleanup(func() { <-w.done })
	return w
}

// says waits until it has said something so many times.
func (w *watcher) says(t *testing.T, word string, times int) {
	t.Helper()
	w.await(t, w.said, fmt.Sprintf("%q %d times", word, times), func(lines []string) bool {
		return strings.Count(strings.Join(lines, "\n"), word) >= times
	})
}

// prints waits for so many lines, and returns them.
func (w *watcher) prints(t *testing.T, n int) []string {
	t.Helper()
	return w.await(t, w.out, fmt.Sprint(n, " lines"), func(lines []string) bool { return len(lines) >= n })
}

func (w *watcher) await(t *testing.T, b *book, what string, enough func([]string) bool) []string {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for ended := false; ; {
		lines, changed := b.lines()
		if enough(lines) {
			return lines
		}
		if ended {
			t.Fatalf("the watch ended without %s:\n%s%s", what, w.out, w.said)
		}
		select {
		case <-changed:
		case <-w.done:
			ended = true
		case <-deadline.C:
			t.Fatalf("the watch didn't come to %s within %s:\n%s%s", what, patience, w.out, w.said)
		}
	}
}

// interrupt ends it as Ctrl-C does, which must be with 0, and returns the cursor
// that it names.
func (w *watcher) interrupt(t *testing.T) string {
	t.Helper()
	if err := w.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	return w.cursor(t)
}

// cursor waits for its end, and returns the cursor to go on from.
func (w *watcher) cursor(t *testing.T) string {
	t.Helper()
	select {
	case <-w.done:
	case <-time.After(patience):
		t.Fatalf("the watch didn't end within %s", patience)
	}
	_, cursor, found := strings.Cut(w.said.String(), "to go on from here: --after=")
	if w.cmd.ProcessState.ExitCode() != 0 || !found {
		t.Fatalf("the watch ended with %s:\n%s", w.cmd.ProcessState, w.said)
	}
	return strings.TrimSpace(cursor)
}

// versions wants one line for each version of a level from first on.
func versions(t *testing.T, lines []string, place string, first int) {
	t.Helper()
	for i, l := range lines {
		if want := fmt.Sprintf("%s v%d:", place, first+i); !strings.Contains(l, want) {
			t.Errorf("line %d is %q; want %s", i+1, l, want)
		}
	}
}

// The gateway is killed, and its connections are cut: the watch comes back by
// itself, prints what it missed, each change once, and says how much that was.
// Where one watch ended another goes on.
func TestWatchResumes(t *testing.T) {
	t.Parallel()
	const sku, location = "BRK-PAD-1037", "WH-EAST"
	dir := ownDir(t)
	s := startDoomed(t, dir)
	r := relayed(t, s)
	token := operatorToken(t)
	first := num(s.as(token).level(t, sku, location), "version") + 1
	change := func(n int) {
		for range n {
			s.as(token).adjust(t, sku, location, "ON_HAND", 1)
		}
	}
	w := watch(t, r.addr, token, "stock", "--sku", sku)
	w.says(t, "watching stock", 1)
	change(2)
	w.prints(t, 2)

	r.hold()
	s.kill()
	w.says(t, "the connection was lost", 1)
	s = start(t, dir)
	change(3)
	r.to(t, s)
	w.says(t, "caught up with 3 changes", 1)
	change(1)
	w.prints(t, 6)

	r.cut()
	w.says(t, "the connection was lost", 2)
	r.to(t, s)
	w.says(t, "caught up; nothing was missed", 1)
	cursor := w.interrupt(t)
	if said := w.said.String(); strings.Count(said, "reconnected after ") != 2 {
		t.Errorf("it said %s", said)
	}
	lines, _ := w.out.lines()
	versions(t, lines, sku+" at "+location, first)

	change(2)
	w = watch(t, r.addr, token, "stock", "--sku", sku, "--after="+cursor, "--count", "2")
	w.cursor(t)
	after, _ := w.out.lines()
	if len(lines) != 6 || len(after) != 2 {
		t.Errorf("%d lines, and %d after them; want 6 and 2", len(lines), len(after))
	}
	versions(t, after, sku+" at "+location, first+6)

	w = watch(t, r.addr, token, "stock", "--no-reconnect")
	w.says(t, "watching stock", 1)
	r.cut()
	<-w.done
	if code := w.cmd.ProcessState.ExitCode(); code == 0 || strings.Contains(w.said.String(), "reconnect") {
		t.Errorf("a watch that is not to reconnect: exit %d, %s", code, w.said)
	}
}

// With a snapshot what there is comes first, then what changes.
func TestWatchSnapshot(t *testing.T) {
	t.Parallel()
	s := demo(t)
	operator := s.as(operatorToken(t))
	const sku, location = "CLG-THM-1018", "WH-CENTRAL"
	v := num(operator.level(t, sku, location), "version")
	levels := operator.ask(t, `query($sku: String!) { inventoryLevels(filter: {skus: [$sku]}, first: 250) { nodes { id } } }`, vars{"sku": sku}).list("inventoryLevels.nodes")
	w := watch(t, s.addr, operator.token, "stock", "--sku", sku, "--snapshot", "--count", "1")
	w.says(t, fmt.Sprintf("the snapshot is complete: %d", len(levels)), 1)
	for _, l := range w.prints(t, len(levels)) {
		if !strings.Contains(l, "SNAPSHOT "+sku) {
			t.Errorf("in the snapshot is %q", l)
		}
	}
	if !strings.Contains(w.out.String(), fmt.Sprintf("SNAPSHOT %s at %s v%d:", sku, location, v)) {
		t.Errorf("version %d isn't in the snapshot:\n%s", v, w.out)
	}
	operator.adjust(t, sku, location, "ON_HAND", 1)
	w.cursor(t)
	lines, _ := w.out.lines()
	versions(t, lines[len(levels):], sku+" at "+location, v+1)
}

// A cursor of a log that is gone: the watch says so and goes on, with what there
// is now where it was asked for a snapshot.
func TestWatchCursorExpired(t *testing.T) {
	t.Parallel()
	s := demo(t)
	operator := s.as(operatorToken(t))
	const sku, location = "CLG-THM-1021", "WH-WEST"
	cursor, err := redline.ParseCursor(operator.adjust(t, sku, location, "ON_HAND", 1).text("cursor"))
	if err != nil {
		t.Fatal(err)
	}
	cursor.Epoch++
	for _, test := range []struct {
		args []string
		says []string
	}{
		{nil, []string{"the cursor has expired: ", "was missed; going on from now", "watching availability"}},
		{[]string{"--snapshot"}, []string{"the cursor has expired: ", "loading the snapshot anew", "the snapshot is complete: "}},
	} {
		w := watch(t, s.addr, "", append([]string{"--sku", sku, "--after=" + cursor.String(), "--count", "1"}, test.args...)...)
		for _, word := range test.says {
			w.says(t, word, 1)
		}
		if test.args != nil {
			w.prints(t, 1)
		}
		if shown := strings.Contains(w.out.String(), "SNAPSHOT "+sku); shown != (test.args != nil) {
			t.Errorf("%v prints\n%s", test.args, w.out)
		}
		operator.adjust(t, sku, location, "ON_HAND", 1)
		w.cursor(t)
		if out := w.out.String(); strings.Count(out, "available") != strings.Count(out, "SNAPSHOT")+1 {
			t.Errorf("%v prints\n%s", test.args, out)
		}
	}
	for name, test := range map[string]struct {
		args []string
		word string
	}{
		"no cursor":                {[]string{"--after", "yesterday"}, "the gateway refused"},
		"the latest of a conflict": {[]string{"conflicts", "--latest"}, "--latest"},
	} {
		if r := run(t, nil, append([]string{"watch", "--url", "http://" + s.addr}, test.args...)...); r.code == 0 || !strings.Contains(r.err, test.word) {
			t.Errorf("%s: exit %d, %q; want a word on %q", name, r.code, r.err, test.word)
		}
	}
}

// A token that a gateway refuses once it is back ends the watch: it doesn't
// knock for ever.
func TestWatchTokenRefused(t *testing.T) {
	t.Parallel()
	stranger := startStranger(t)
	r := relayed(t, demo(t))
	w := watch(t, r.addr, operatorToken(t), "orders")
	w.says(t, "watching orders", 1)
	r.cut()
	r.to(t, stranger)
	<-w.done
	if code, said := w.cmd.ProcessState.ExitCode(), w.said.String(); code == 0 || !strings.Contains(said, "4403") || !strings.Contains(said, "the connection was lost") {
		t.Errorf("exit %d:\n%s", code, said)
	}
}

// startStranger starts a gateway with a key of its own.
func startStranger(t *testing.T) *server {
	t.Helper()
	dir := ownDir(t)
	if err := os.Remove(dir + "/signing-key.pem"); err != nil {
		t.Fatal(err)
	}
	return start(t, dir)
}
