package redline_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"redline"
)

// A Decimal is a whole number of millionths, in 64 bits.
var million = big.NewInt(1_000_000)

// anyMicros draws millionths: small ones, ties, and the ends of the range.
var anyMicros = rapid.OneOf(
	rapid.Int64(),
	rapid.Int64Range(-1_000_000_000, 1_000_000_000),
	rapid.Map(rapid.Int64Range(-2_000_000, 2_000_000), func(n int64) int64 { return n * 5 }),
	rapid.SampledFrom([]int64{math.MinInt64, math.MinInt64 + 1, -1, 0, 1, math.MaxInt64}),
)

func ratOf(micros int64) *big.Rat { return new(big.Rat).SetFrac(big.NewInt(micros), million) }

func decimal(t interface{ Fatalf(string, ...any) }, micros int64) redline.Decimal {
	return parse(t, ratOf(micros).FloatString(6))
}

func parse(t interface{ Fatalf(string, ...any) }, s string) redline.Decimal {
	d, err := redline.ParseDecimal(s)
	if err != nil {
		t.Fatalf("ParseDecimal(%q): %v", s, err)
	}
	return d
}

// value is the number that a Decimal writes.
func value(t interface{ Fatalf(string, ...any) }, d redline.Decimal) *big.Rat {
	r, ok := new(big.Rat).SetString(d.String())
	if !ok {
		t.Fatalf("%q is not a number", d)
	}
	return r
}

var canonical = regexp.MustCompile(`^-?(0|[1-9][0-9]*)\.[0-9]{2}([0-9]{0,3}[1-9])?$`)

// TestDecimalRoundTrip: what is written is exact, canonical, and read back, by
// every door.
func TestDecimalRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		micros := anyMicros.Draw(t, "micros")
		d := decimal(t, micros)
		if value(t, d).Cmp(ratOf(micros)) != 0 {
			t.Fatalf("%d millionths are written as %s", micros, d)
		}
		if !canonical.MatchString(d.String()) {
			t.Fatalf("%s has too many or too few digits", d)
		}
		mustEqual(t, parse(t, d.String()), d, "read back")

		var fromJSON, fromGQL, fromText, fromBytes redline.Decimal
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, string(b), `"`+d.String()+`"`, "as JSON")
		if err := json.Unmarshal(b, &fromJSON); err != nil {
			t.Fatal(err)
		}
		var gql bytes.Buffer
		d.MarshalGQL(&gql)
		mustEqual(t, gql.String(), string(b), "as the scalar")
		if err := fromGQL.UnmarshalGQL(d.String()); err != nil {
			t.Fatal(err)
		}
		column, err := d.Value()
		if err != nil {
			t.Fatal(err)
		}
		if err := fromText.Scan(column); err != nil {
			t.Fatal(err)
		}
		if err := fromBytes.Scan([]byte(column.(string))); err != nil {
			t.Fatal(err)
		}
		mustEqual(t, []redline.Decimal{fromJSON, fromGQL, fromText, fromBytes}, []redline.Decimal{d, d, d, d}, "read back")
	})
}

func TestDecimalWrites(t *testing.T) {
	t.Parallel()
	mustEqual(t, redline.Decimal{}.String(), "0.00", "the zero value")
	for in, want := range map[string]string{
		"12.5": "12.50", "0.657813": "0.657813", "-0.5": "-0.50", "-0": "0.00", "-0.000000": "0.00", "7": "7.00", "1.230": "1.23",
		"0.000001": "0.000001", "-0.000001": "-0.000001", "0012": "12.00",
		"9223372036854.775807": "9223372036854.775807", "-9223372036854.775808": "-9223372036854.775808",
	} {
		mustEqual(t, parse(t, in).String(), want, "%s", in)
	}
}

func TestDecimalRefusesOtherTypes(t *testing.T) {
	t.Parallel()
	d := parse(t, "1.50")
	for _, src := range []any{nil, 1, 1.5, int64(1), true} {
		if err := d.Scan(src); err == nil {
			t.Errorf("Scan took %T", src)
		}
		if err := d.UnmarshalGQL(src); err == nil {
			t.Errorf("UnmarshalGQL took %T", src)
		}
	}
	if err := d.UnmarshalGQL("1e3"); err == nil {
		t.Error("UnmarshalGQL took an exponent")
	}
	mustEqual(t, d, parse(t, "1.50"), "the number after what was refused")
}

var plain = regexp.MustCompile(`^-?[0-9]{1,13}(\.[0-9]{1,6})?$`)

// FuzzParseDecimal: what is taken is a plain decimal, and exact; what is
// refused is not, or is too large.
func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{
		"", "-", ".", "-.", "0", "-0", "1.", ".5", "-.5", "+1", "--1", "1-", "1.-5", "-1.+5", "1e3", "0x10", "1_000", " 1", "1 ", "1\n",
		"1.2.3", "NaN", "Inf", "1.1234567", "99999999999999", "9223372036854.775807", "9223372036854.775808", "-9223372036854.775808",
		"-9223372036854.775809", "٣", "1,5", strings.Repeat("9", 1000),
	} {
		f.Add(s)
	}
	ends := [2]*big.Rat{ratOf(math.MinInt64), ratOf(math.MaxInt64)}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := redline.ParseDecimal(s)
		var want *big.Rat
		if plain.MatchString(s) && !strings.HasSuffix(s, "\n") {
			want, _ = new(big.Rat).SetString(s)
		}
		fits := want != nil && want.Cmp(ends[0]) >= 0 && want.Cmp(ends[1]) <= 0
		switch {
		case fits != (err == nil):
			t.Fatalf("%q: %v, %v", s, d, err)
		case err != nil && len(err.Error()) > 250:
			t.Fatalf("the error echoes %d bytes", len(err.Error()))
		case err == nil && value(t, d).Cmp(want) != 0:
			t.Fatalf("%q is read as %s", s, d)
		}
	})
}

// halfEven rounds to a number of decimals, ties to the even neighbour.
func halfEven(x *big.Rat, places int) *big.Rat {
	unit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil))
	scaled := new(big.Rat).Mul(x, unit)
	floor := new(big.Int).Div(scaled.Num(), scaled.Denom()) // Euclidean: towards minus infinity
	rest := new(big.Rat).Sub(scaled, new(big.Rat).SetInt(floor))
	if c := rest.Cmp(big.NewRat(1, 2)); c > 0 || c == 0 && floor.Bit(0) == 1 {
		floor.Add(floor, big.NewInt(1))
	}
	return new(big.Rat).Quo(new(big.Rat).SetInt(floor), unit)
}

func fits(x *big.Rat) bool {
	n := new(big.Rat).Mul(x, new(big.Rat).SetInt(million))
	return n.IsInt() && n.Num().IsInt64()
}

// TestDecimalTimes compares with arithmetic of unbounded size.
func TestDecimalTimes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		micros := anyMicros.Draw(t, "micros")
		n := rapid.OneOf(rapid.IntRange(-20, 20), rapid.IntRange(0, redline.MaxQuantity), rapid.Int()).Draw(t, "n")
		places := rapid.IntRange(0, 6).Draw(t, "places")
		want := halfEven(new(big.Rat).Mul(ratOf(micros), new(big.Rat).SetInt64(int64(n))), places)
		got, ok := decimal(t, micros).Times(n, places)
		mustEqual(t, ok, fits(want), "whether %s fits", want.FloatString(6))
		if ok && value(t, got).Cmp(want) != 0 {
			t.Fatalf("got %s, want %s", got, want.FloatString(6))
		}
	})
}

// TestDecimalTimesTies: halves go to the even neighbour, on both sides of 0.
func TestDecimalTimesTies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		price  string
		n      int
		places int
		want   string
	}{
		{"0.005", 1, 2, "0.00"}, {"0.015", 1, 2, "0.02"}, {"0.025", 1, 2, "0.02"}, {"-0.005", 1, 2, "0.00"}, {"-0.015", 1, 2, "-0.02"},
		{"0.025", -1, 2, "-0.02"}, {"0.5", 1, 0, "0.00"}, {"1.5", 1, 0, "2.00"}, {"0.0025", 3, 3, "0.008"}, {"0.657813", 32, 2, "21.05"},
		{"0.025001", 1, 2, "0.03"}, {"0.0005", 5, 3, "0.002"}, {"0.000001", 1, 6, "0.000001"},
	} {
		got, ok := parse(t, c.price).Times(c.n, c.places)
		mustEqual(t, []any{got.String(), ok}, []any{c.want, true}, "%s × %d to %d places", c.price, c.n, c.places)
	}
}

func TestDecimalPlus(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyMicros.Draw(t, "a"), anyMicros.Draw(t, "b")
		want := new(big.Rat).Add(ratOf(a), ratOf(b))
		got, ok := decimal(t, a).Plus(decimal(t, b))
		mustEqual(t, ok, fits(want), "whether %s fits", want.FloatString(6))
		if ok && value(t, got).Cmp(want) != 0 {
			t.Fatalf("got %s, want %s", got, want.FloatString(6))
		}
	})
}

// TestMinorUnits looks at one or two currencies of each number of decimals.
func TestMinorUnits(t *testing.T) {
	t.Parallel()
	for currency, want := range map[string]int{
		"EUR": 2, "USD": 2, "CHF": 2, "HUF": 2, "JPY": 0, "KRW": 0, "ISK": 0, "XPF": 0, "KWD": 3, "TND": 3, "CLF": 4, "UYW": 4, "": 2, "eur": 2,
	} {
		mustEqual(t, redline.MinorUnits(currency), want, "the decimals of %q", currency)
	}
}
