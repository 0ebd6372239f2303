package redline

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"sync/atomic"
	"time"
)

// The prefixes that ids carry, one for each type.
const (
	PrefixProduct              = "prod"
	PrefixSupplier             = "sup"
	PrefixSupplierItem         = "sitem"
	PrefixLocation             = "loc"
	PrefixLevel                = "lvl"
	PrefixMovement             = "mov"
	PrefixOrder                = "ord"
	PrefixOrderLine            = "line"
	PrefixFulfillmentOrder     = "fo"
	PrefixFulfillmentOrderLine = "foline"
	PrefixFulfillment          = "ship"
	PrefixAuditEntry           = "audit"
	PrefixReservation          = "res"
	PrefixConflict             = "conf"
	PrefixReturn               = "ret"
	PrefixReturnLine           = "retline"
	PrefixFeed                 = "feed"
	PrefixClient               = "cli"
)

// Node is what can be found by its id alone.
type Node interface{ IsNode() }

// idAlphabet is Crockford's base 32 in lower case, as TypeID writes it.
const idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// idDigits is the length of the part behind the prefix: 128 bits in base 32.
const idDigits = 26

// newestID is the time of the newest id: milliseconds, and 65536ths of one.
var newestID atomic.Uint64

// NewID makes an id: the prefix, an underscore and a UUIDv7 (RFC 9562 §5.7) in
// 26 digits of base 32, which is the TypeID format (version 0.3). Ids of one
// type sort by the time at which they were made, and those of one process in the
// order in which they were made, whatever its clock does.
func NewID(prefix string) string {
	var u [16]byte
	if _, err := rand.Read(u[8:]); err != nil {
		// crypto/rand.Read never fails on a supported system; it ends the program itself.
		panic(err)
	}
	// §6.2, method 3: 16 bits behind the milliseconds say when within one it was,
	// 12 before the variant and 4 behind it. The other 58 are random.
	at := idTime(time.Now())
	binary.BigEndian.PutUint64(u[:8], at&^0xffff|0x7000|at>>4&0xfff)
	u[8] = 0x80 | byte(at&0xf)<<2 | u[8]&3

	// 130 bits in 26 digits: two leading zero bits, then the 128 of the UUID.
	out := make([]byte, len(prefix)+1+idDigits)
	copy(out, prefix)
	out[len(prefix)] = '_'
	digits := out[len(prefix)+1:]
	hi, lo := binary.BigEndian.Uint64(u[:8]), binary.BigEndian.Uint64(u[8:])
	for i := idDigits - 1; i >= 0; i-- {
		digits[i] = idAlphabet[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out)
}

// idTime is the time of an id that is made now, which no other id of the process
// has and which lies behind those of all before it.
func idTime(now time.Time) uint64 {
	ns := uint64(now.UnixNano())
	at := ns/1e6<<16 | ns%1e6<<16/1e6
	for {
		newest := newestID.Load()
		at = max(at, newest+1)
		if newestID.CompareAndSwap(newest, at) {
			return at
		}
	}
}

// IDPrefix returns the prefix of an id, or "" where it isn't one that NewID
// could have made: lower-case letters, an underscore and a UUIDv7 in 26 digits.
func IDPrefix(id string) string {
	prefix, digits, ok := strings.Cut(id, "_")
	if !ok || len(digits) != idDigits || digits[0] > '7' {
		return ""
	}
	for i := range len(prefix) {
		if prefix[i] < 'a' || prefix[i] > 'z' {
			return ""
		}
	}
	for i := range len(digits) {
		d := strings.IndexByte(idAlphabet, digits[i])
		// The version is the upper four bits of digit 10, the variant the third
		// and second lowest of digit 13.
		if d < 0 || i == 10 && d>>1 != 7 || i == 13 && d>>2&3 != 2 {
			return ""
		}
	}
	return prefix
}
