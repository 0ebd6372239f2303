package main

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestLinesAreGathered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		lines := gather(&out)
		defer lines.close()
		log := slog.New(prompt{slog.NewTextHandler(lines, nil), lines})
		want := func(when string, n int) {
			t.Helper()
			synctest.Wait()
			lines.mu.Lock()
			defer lines.mu.Unlock()
			if got := strings.Count(out.String(), "\n"); got != n {
				t.Fatalf("%s: %d lines, want %d", when, got, n)
			}
		}
		log.Info("first")
		want("after a quiet moment", 1)
		log.Info("second")
		log.Info("third")
		want("close after it", 1)
		<-time.After(gatherFor)
		want("when the time is up", 3)
		log.Info("fourth")
		want("while it is busy", 3)
		log.With("a", 1).WithGroup("g").Warn("fifth")
		want("after a warning", 5)
		<-time.After(3 * gatherFor)
		log.Info("sixth")
		want("after another quiet moment", 6)
		log.Info(strings.Repeat("x", gatherBytes))
		want("when there is much", 7)
		log.Info("last")
		lines.close()
		want("at the end", 8)
		log.Info("too late")
		want("after the end", 9)
		<-time.After(3 * gatherFor)
		want("for good", 9)
	})
}

func TestNoLineIsLostOrTorn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	lines := gather(&out)
	const writers, each = 8, 500
	line := []byte(strings.Repeat("x", 99) + "\n")
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				if n, err := lines.Write(line); n != len(line) || err != nil {
					t.Errorf("Write: %d, %v", n, err)
				}
			}
		})
	}
	all.Wait()
	lines.close()
	if got := out.String(); got != strings.Repeat(string(line), writers*each) {
		t.Errorf("%d bytes, want %d", len(got), writers*each*len(line))
	}
}
