package demo

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// currency is what all prices are in: the warehouses are in the USA, and
// Northwind's data names none.
const currency = "USD"

// Decimals of the amounts: a total is in the currency's minor unit, and a price
// of one base unit keeps more, as a case of 24 rarely divides evenly.
const (
	minorDecimals = 2
	priceDecimals = 6
)

// decimalText is stricter than big.Rat, which takes "1/3" and "1e999999999".
var decimalText = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,18})?$`)

// parseDecimal reads a decimal that isn't negative, exactly.
func parseDecimal(text string) (*big.Rat, error) {
	if !decimalText.MatchString(text) {
		return nil, fmt.Errorf("%q is not a plain decimal", text)
	}
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, fmt.Errorf("%q is not a decimal", text)
	}
	return value, nil
}

// roundHalfEven rounds x, which isn't negative, to so many decimals; what lies
// in the middle goes to the even neighbour.
func roundHalfEven(x *big.Rat, decimals int) *big.Rat {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
	scaled := new(big.Rat).Mul(x, new(big.Rat).SetInt(scale))
	whole, rest := new(big.Int).QuoRem(scaled.Num(), scaled.Denom(), new(big.Int))
	half := rest.Lsh(rest, 1).Cmp(scaled.Denom())
	if half > 0 || half == 0 && whole.Bit(0) == 1 {
		whole.Add(whole, big.NewInt(1))
	}
	return new(big.Rat).SetFrac(whole, scale)
}

// formatAmount writes an amount of the minor unit, already rounded: "14.00".
func formatAmount(x *big.Rat) string { return x.FloatString(minorDecimals) }

// formatPrice rounds to priceDecimals and writes no more decimals than it
// needs, but at least those of the minor unit: "18.00", "0.657812".
func formatPrice(x *big.Rat) string {
	text := roundHalfEven(x, priceDecimals).FloatString(priceDecimals)
	point := strings.IndexByte(text, '.')
	shortest := point + 1 + minorDecimals
	return text[:shortest] + strings.TrimRight(text[shortest:], "0")
}

// lineAmounts computes what a line costs. The total is rounded once, after the
// discount; the discount is what is missing from the undiscounted price, which
// is never negative because rounding keeps the order of the two.
func lineAmounts(unitPrice *big.Rat, quantity int, discountRate *big.Rat) (discount, total *big.Rat) {
	gross := new(big.Rat).Mul(unitPrice, new(big.Rat).SetInt64(int64(quantity)))
	kept := new(big.Rat).Sub(new(big.Rat).SetInt64(1), discountRate)
	total = roundHalfEven(new(big.Rat).Mul(gross, kept), minorDecimals)
	discount = new(big.Rat).Sub(roundHalfEven(gross, minorDecimals), total)
	return discount, total
}

// perBaseUnit divides the price of a supplier unit by its pack.
func perBaseUnit(price *big.Rat, pack int) *big.Rat {
	return new(big.Rat).Quo(price, new(big.Rat).SetInt64(int64(pack)))
}
