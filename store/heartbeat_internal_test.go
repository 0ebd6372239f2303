package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"
)

// beating are both ends of a connection, ours with a heartbeat that hears nothing else.
func beating(t *testing.T) (ours *heartbeatConn, theirs net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := heartbeatDialer{&heartbeat{}}.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err = listener.Accept()
	if err := errors.Join(err, listener.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = conn.Close(), theirs.Close() })
	return conn.(*heartbeatConn), theirs
}

// A database that stands still takes nothing, and once its buffers are full whoever
// sent it something large waited for as long as it stood.
func TestWritingIntoSilence(t *testing.T) {
	t.Parallel()
	ours, _ := beating(t)
	ended := make(chan error, 1)
	go func() {
		_, err := ours.Write(make([]byte, 64<<20))
		ended <- err
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, os.ErrDeadlineExceeded) || !Broken(err) {
			t.Errorf("who wrote into the silence was told %v", err)
		}
	case <-time.After(4 * silentSteps * heartbeatStep):
		t.Error("who wrote into the silence still waits")
	}
}

// What a slow database takes step by step arrives whole and in order, and the driver's
// own deadline ends it nevertheless.
func TestWritingInSteps(t *testing.T) {
	t.Parallel()
	ours, theirs := beating(t)
	sent := make([]byte, 16<<20)
	for i := range sent {
		sent[i] = byte(i / 7)
	}
	arrived := make(chan []byte, 1)
	go func() {
		<-time.After(2 * heartbeatStep) // so that a step ends in the middle
		got := make([]byte, len(sent))
		_, _ = io.ReadFull(theirs, got)
		arrived <- got
	}()
	if n, err := ours.Write(sent); n != len(sent) || err != nil {
		t.Fatalf("wrote %d of %d: %v", n, len(sent), err)
	}
	if !bytes.Equal(<-arrived, sent) {
		t.Error("what arrived isn't what was sent")
	}
	if err := ours.SetWriteDeadline(time.Now().Add(heartbeatStep)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := ours.Write(make([]byte, 64<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the driver's deadline: %v", err)
	}
	if took := time.Since(began); took > silentSteps*heartbeatStep {
		t.Errorf("the driver's deadline of %s ended it after %s", heartbeatStep, took)
	}
}

// One connection whose packets vanish is given up although others hear something.
func TestOneDeadConnectionIsGivenUp(t *testing.T) {
	t.Parallel()
	ours, _ := beating(t)
	ours.heartbeat.longest = 2 * heartbeatStep
	done := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() {
		tick := time.NewTicker(heartbeatStep / 10)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				ours.heartbeat.heard.Add(1)
			case <-done:
				return
			}
		}
	})
	ended := make(chan error, 1)
	go func() {
		_, err := ours.Read(make([]byte, 1))
		ended <- err
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, os.ErrDeadlineExceeded) || !Broken(err) {
			t.Errorf("who waited was told %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("who waits for a dead connection still waits")
	}
	close(done)
	others.Wait()
}

// Who is let in by nobody isn't told of a database that is there, unless it says that
// it is full: a pooler asks for a password as well while what it stands for is gone.
func TestALoginIsNoLife(t *testing.T) {
	t.Parallel()
	for code, silent := range map[string]bool{"57P03": true, "08006": true, "53300": false} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var serving sync.WaitGroup
			serving.Go(func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					refuse(conn, code)
				}
			})
			p := &heartbeat{log: slog.New(slog.DiscardHandler), lost: func() {}}
			db, err := Options{Unprepared: true}.pool(&url.URL{Scheme: "postgres", Host: listener.Addr().String(), User: url.User("x")},
				url.Values{"sslmode": {"disable"}, "connect_timeout": {"5"}}, 1, p)
			if err != nil {
				t.Fatal(err)
			}
			p.db = db.DB
			p.feel(t.Context())
			if gone := p.gone() != nil; gone != silent {
				t.Errorf("a database that says %s is gone: %t, want %t", code, gone, silent)
			}
			if err := errors.Join(p.close(), listener.Close()); err != nil {
				t.Error(err)
			}
			serving.Wait()
		})
	}
}

// refuse answers who logs in with an error, as the protocol's ErrorResponse.
func refuse(conn net.Conn, code string) {
	defer func() { _ = conn.Close() }()
	_, _ = conn.Read(make([]byte, 4096))
	fields := "SFATAL\x00C" + code + "\x00Mno\x00\x00"
	answer := binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(fields)+4))
	_, _ = conn.Write(append(answer, fields...))
}
