package redline

import (
	"database/sql/driver"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// decimalPlaces is how many decimals a Decimal keeps: those of a unit price.
const decimalPlaces = 6

// Decimal is an exact decimal number with six decimals, up to about nine
// million million. The zero value is 0.
type Decimal struct{ micros int64 }

// ParseDecimal reads a plain decimal such as "-12.5". More than six decimals,
// exponents and anything else are errors: nothing is rounded silently.
func ParseDecimal(s string) (Decimal, error) {
	d, ok := parseDecimal(s)
	if !ok {
		return Decimal{}, fmt.Errorf("%.40q is not a decimal number with at most %d decimals", s, decimalPlaces)
	}
	return d, nil
}

func parseDecimal(s string) (d Decimal, ok bool) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, frac, pointed := strings.Cut(digits, ".")
	if whole == "" || len(whole) > 13 || len(frac) > decimalPlaces || pointed && frac == "" {
		return Decimal{}, false
	}
	var u uint64 // of at most 19 digits, which it holds
	for i := range len(whole) + decimalPlaces {
		c := byte('0')
		switch at := i - len(whole); {
		case at < 0:
			c = whole[i]
		case at < len(frac):
			c = frac[at]
		}
		if c < '0' || c > '9' {
			return Decimal{}, false
		}
		u = 10*u + uint64(c-'0')
	}
	switch {
	case negative && u <= 1<<63:
		return Decimal{-int64(u)}, true
	case !negative && u < 1<<63:
		return Decimal{int64(u)}, true
	}
	return Decimal{}, false
}

// String writes the number with as many decimals as it needs, and at least
// two: "12.50", "0.657812".
func (d Decimal) String() string { return string(d.append(nil)) }

// append appends what String writes.
func (d Decimal) append(b []byte) []byte {
	u := uint64(d.micros)
	if d.micros < 0 {
		b, u = append(b, '-'), -u
	}
	b = strconv.AppendUint(b, u/1_000_000, 10)
	b = append(b, '.')
	frac := u % 1_000_000
	for place := uint64(100_000); frac > 0 || place >= 10_000; place /= 10 {
		b = append(b, '0'+byte(frac/place))
		frac %= place
	}
	return b
}

// Times multiplies by a whole number and rounds half-even to a number of
// decimals, which is from 0 to 6. ok is false where the product is too large to hold.
func (d Decimal) Times(n int, places int) (product Decimal, ok bool) {
	p := new(big.Int).Mul(big.NewInt(d.micros), big.NewInt(int64(n)))
	unit := big.NewInt(int64(math.Pow10(decimalPlaces - places)))
	q, r := new(big.Int).QuoRem(p, unit, new(big.Int))
	twice := r.Abs(r).Lsh(r, 1)
	if c := twice.Cmp(unit); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(int64(p.Sign())))
	}
	q.Mul(q, unit)
	if !q.IsInt64() {
		return Decimal{}, false
	}
	return Decimal{q.Int64()}, true
}

// Plus adds. ok is false where the sum is too large to hold.
func (d Decimal) Plus(e Decimal) (sum Decimal, ok bool) {
	s := d.micros + e.micros
	return Decimal{s}, (s > d.micros) == (e.micros > 0)
}

// Scan reads a numeric column.
func (d *Decimal) Scan(src any) error {
	var s string
	switch v := src.(type) {
	case []byte:
		s = string(v)
	case string:
		s = v
	default:
		return fmt.Errorf("reading a decimal: got %T", src)
	}
	v, err := ParseDecimal(s)
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// Value writes a numeric column.
func (d Decimal) Value() (driver.Value, error) { return d.String(), nil }

// MarshalText writes the number for JSON, where it is a string.
func (d Decimal) MarshalText() ([]byte, error) { return d.append(nil), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Decimal) UnmarshalText(b []byte) error { return d.Scan(b) }

// MarshalGQL writes the scalar Decimal.
func (d Decimal) MarshalGQL(w io.Writer) { _, _ = w.Write(d.AppendGQL(nil)) }

// AppendGQL appends what MarshalGQL writes.
func (d Decimal) AppendGQL(b []byte) []byte { return append(d.append(append(b, '"')), '"') }

// UnmarshalGQL reads the scalar Decimal, which is a string.
func (d *Decimal) UnmarshalGQL(v any) error {
	s, ok := v.(string)
	if !ok {
		return Invalid(nil, "a Decimal is a string such as \"12.50\"")
	}
	read, err := ParseDecimal(s)
	if err != nil {
		return Invalid(nil, "%s", err)
	}
	*d = read
	return nil
}

// Money is an amount in one currency, an ISO 4217 code.
type Money struct {
	Amount   Decimal `json:"amount" db:"amount"`
	Currency string  `json:"currency" db:"currency"`
}

// MinorUnits is how many decimals a currency's smallest coin has (ISO 4217,
// list one). Those not named have two.
func MinorUnits(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "CLF", "UYW":
		return 4
	}
	return 2
}
