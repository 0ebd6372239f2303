package redline_test

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"redline"
)

const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

// decodeID reads a TypeID as its specification says: a prefix, an underscore
// and 128 bits in 26 digits of base 32.
func decodeID(t *testing.T, id string) (prefix string, uuid [16]byte) {
	t.Helper()
	prefix, digits, ok := strings.Cut(id, "_")
	if !ok || len(digits) != 26 {
		t.Fatalf("%q is not a TypeID", id)
	}
	n := new(big.Int)
	for _, c := range digits {
		d := strings.IndexRune(crockford, c)
		if d < 0 {
			t.Fatalf("%q has the digit %q", id, c)
		}
		n.Add(n.Lsh(n, 5), big.NewInt(int64(d)))
	}
	if n.BitLen() > 128 {
		t.Fatalf("%q has %d bits", id, n.BitLen())
	}
	n.FillBytes(uuid[:])
	return prefix, uuid
}

// encodeID writes 128 bits as decodeID reads them.
func encodeID(prefix string, uuid [16]byte) string {
	n := new(big.Int).SetBytes(uuid[:])
	digits := make([]byte, 26)
	for i := range digits {
		d := new(big.Int).And(new(big.Int).Rsh(n, uint(5*(25-i))), big.NewInt(31))
		digits[i] = crockford[d.Int64()]
	}
	return prefix + "_" + string(digits)
}

// millis is the time of a UUIDv7: its first 48 bits.
func millis(uuid [16]byte) int64 { return new(big.Int).SetBytes(uuid[:6]).Int64() }

func isV7(uuid [16]byte) bool { return uuid[6]>>4 == 7 && uuid[8]>>6 == 2 }

func TestNewIDIsUUIDv7(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{redline.PrefixProduct, redline.PrefixFulfillmentOrder, redline.PrefixAuditEntry} {
		before := time.Now().UnixMilli()
		id := redline.NewID(prefix)
		after := time.Now().UnixMilli()
		got, uuid := decodeID(t, id)
		mustEqual(t, got, prefix, "the prefix")
		mustEqual(t, encodeID(prefix, uuid), id, "written again")
		if !isV7(uuid) {
			t.Errorf("%s is %s, not a UUIDv7", id, hex.EncodeToString(uuid[:]))
		}
		if ms := millis(uuid); ms < before || ms > after {
			t.Errorf("%s was made at %d, not between %d and %d", id, ms, before, after)
		}
		mustEqual(t, redline.IDPrefix(id), prefix, "IDPrefix")
	}
}

// TestNewIDInParallel: 100,000 ids made side by side differ, sort by time, and
// vary in every bit that isn't fixed or time.
func TestNewIDInParallel(t *testing.T) {
	t.Parallel()
	const makers, each = 8, 12_500
	made := make([][]string, makers)
	var wg sync.WaitGroup
	for i := range made {
		wg.Go(func() {
			for range each {
				made[i] = append(made[i], redline.NewID(redline.PrefixOrder))
			}
		})
	}
	wg.Wait()
	for _, ids := range made {
		if !slices.IsSorted(ids) {
			t.Error("ids don't sort in the order in which one maker made them")
		}
	}
	ids := slices.Concat(made...)
	slices.Sort(ids)
	if got := len(slices.Compact(slices.Clone(ids))); got != makers*each {
		t.Fatalf("%d of %d ids differ", got, makers*each)
	}
	last := int64(0)
	ones, zeros := make([]byte, 16), bytes.Repeat([]byte{0xff}, 16)
	for _, id := range ids {
		_, uuid := decodeID(t, id)
		if ms := millis(uuid); ms < last {
			t.Fatalf("%s, made at %d, sorts behind one made at %d", id, ms, last)
		} else {
			last = ms
		}
		for i, b := range uuid {
			ones[i] |= b
			zeros[i] &= b
		}
	}
	mustEqual(t, hex.EncodeToString(ones[6:]), "7fffbfffffffffffffff", "the bits that are ever 1")
	mustEqual(t, hex.EncodeToString(zeros[6:]), "70008000000000000000", "the bits that are always 1")
}

var typeID = regexp.MustCompile(`^([a-z]+)_[0-7][0-9a-hjkmnp-tv-z]{25}$`)

// FuzzIDPrefix: it takes a TypeID of a UUIDv7, and nothing else.
func FuzzIDPrefix(f *testing.F) {
	id := redline.NewID(redline.PrefixOrder)
	var zero [16]byte
	v4 := [16]byte{6: 0x40, 8: 0x80}
	variant := [16]byte{6: 0x70, 8: 0xc0}
	v7 := [16]byte{6: 0x70, 8: 0x80}
	for _, s := range []string{
		id, "", "_", "ord", "ord_", id + "0", id[:len(id)-1], strings.ToUpper(id), "_" + id, id + "\n", " " + id, strings.TrimPrefix(id, "ord"),
		encodeID("ord", zero), encodeID("ord", v4), encodeID("ord", variant), encodeID("ord", v7), encodeID("o_d", v7), encodeID("ö", v7),
		encodeID("", v7), encodeID("ORD", v7), "ord_8" + strings.Split(id, "_")[1][1:], strings.Replace(id, "_", "-", 1),
		"ord_" + strings.Repeat("u", 26), "ord_" + strings.Repeat("é", 13),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := ""
		if m := typeID.FindStringSubmatch(s); m != nil {
			if _, uuid := decodeID(t, s); isV7(uuid) {
				want = m[1]
			}
		}
		mustEqual(t, redline.IDPrefix(s), want, "the prefix of %q", s)
	})
}
