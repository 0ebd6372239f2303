package server

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// unflushable is a writer that can't send what it has.
type unflushable struct{ *httptest.ResponseRecorder }

func (unflushable) FlushError() error { return errors.New("unflushable") }

// Where what was kept back can't be had whole, its connection ends: it would
// miss a piece, for which its client would wait.
func TestConnectionEndsWhereFlushingFails(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	defer theirs.Close()
	if err := theirs.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/graphql", http.NoBody)
	r = r.WithContext(withConn(r.Context(), &conn{Conn: ours}))
	if err := writeWhole(unflushable{httptest.NewRecorder()}, r, make([]byte, minWhole)); err == nil {
		t.Error("it is taken for written")
	}
	if n, err := theirs.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		t.Errorf("read %d bytes: %v", n, err)
	}
}
