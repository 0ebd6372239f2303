package store_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"
)

// bytesLiteral writes an argument that was sent as bytes in SQL: an array in the
// binary format, or else a bytea.
func bytesLiteral(v []byte) string {
	if elements, ok := arrayElements(v); ok {
		return pq.QuoteLiteral("{" + strings.Join(elements, ",") + "}")
	}
	return fmt.Sprintf(`'\x%x'`, v)
}

// arrayElements reads a Postgres array of one dimension in the binary format, as
// the elements of the text format.
func arrayElements(v []byte) ([]string, bool) {
	word := func(at int) uint32 { return binary.BigEndian.Uint32(v[at:]) }
	known := []uint32{16, 17, 20, 23, 25, 114, 1184}
	if len(v) < 12 || word(0) > 1 || word(4) > 1 || !slices.Contains(known, word(8)) {
		return nil, false
	}
	if word(0) == 0 {
		return nil, true
	}
	var out []string
	for at := 20; at < len(v); {
		n := int32(word(at))
		at += 4
		if n < 0 {
			out = append(out, "NULL")
			continue
		}
		out = append(out, elementText(word(8), v[at:at+int(n)]))
		at += int(n)
	}
	return out, true
}

func elementText(oid uint32, b []byte) string {
	switch oid {
	case 16:
		return strconv.FormatBool(b[0] == 1)
	case 17:
		return fmt.Sprintf(`"\\x%x"`, b)
	case 20:
		return strconv.FormatInt(int64(binary.BigEndian.Uint64(b)), 10)
	case 23:
		return strconv.Itoa(int(int32(binary.BigEndian.Uint32(b))))
	case 1184:
		at := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(binary.BigEndian.Uint64(b)) * time.Microsecond)
		return `"` + at.Format(time.RFC3339Nano) + `"`
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(string(b)) + `"`
}
