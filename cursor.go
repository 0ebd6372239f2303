package redline

import (
	"encoding/base64"
	"encoding/binary"
)

// Cursor is a position in the event log: the id of an event that was visible,
// or 0 before the first, and the epoch of the log that it belongs to. Any node
// can go on from any other's.
type Cursor struct {
	// Epoch tells logs apart: it differs after a restored dump and a failover,
	// when the same ids may mean other events.
	Epoch uint32
	ID    int64
	// InSnapshot is true of the cursors that are told while a snapshot isn't
	// complete yet. Nobody can go on from within one: it begins again.
	InSnapshot bool
}

// inSnapshot is the bit of the id that stands for InSnapshot: ids are positive.
const inSnapshot = 1 << 63

// String writes the cursor in 16 characters, opaque to whoever gets it.
func (c Cursor) String() string {
	id := uint64(c.ID)
	if c.InSnapshot {
		id |= inSnapshot
	}
	var b [12]byte
	binary.BigEndian.PutUint32(b[:4], c.Epoch)
	binary.BigEndian.PutUint64(b[4:], id)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ParseCursor reads what String wrote, and nothing else.
func ParseCursor(s string) (Cursor, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 12 || len(s) != 16 {
		return Cursor{}, Invalid(nil, "this is not a cursor of the event log")
	}
	id := binary.BigEndian.Uint64(b[4:])
	return Cursor{
		Epoch: binary.BigEndian.Uint32(b[:4]), ID: int64(id &^ inSnapshot), InSnapshot: id&inSnapshot != 0,
	}, nil
}

// CursorExpired is what is said to those who would go on in a log that doesn't
// reach back so far, or is gone.
func CursorExpired() *Error {
	return Errorf(CodeCursorExpired, []string{"after"},
		"the event log doesn't reach back to this cursor, or is another one: load anew, and go on from there")
}
