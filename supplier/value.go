package supplier

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"redline"
)

// parseQuantity reads a whole number as the contract has them: digits, with a
// minus before them if need be. Separators of thousands, decimals and exponents
// are refused, never rounded: "1.000" is a thousand to one supplier and one to
// another.
func parseQuantity(text string) (int, error) {
	digits := strings.TrimPrefix(text, "-")
	switch {
	case text == "":
		return 0, errors.New("is empty: what there is none of is 0")
	case digits == "" || strings.Trim(digits, "0123456789") != "":
		return 0, fmt.Errorf("%s is not a whole number", quoted(text))
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s is more than %d", quoted(text), math.MaxInt32)
	}
	return int(n), nil
}

// parseText reads a SKU or a code, which must not be empty.
func parseText(text string) (string, error) {
	switch {
	case text == "":
		return "", errors.New("is empty")
	case !utf8.ValidString(text):
		return "", errors.New("is not UTF-8")
	}
	return text, nil
}

// quoted shows a value in an error, cut where it is long.
func quoted(text string) string {
	const most = 40
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strconv.Quote(strings.ToValidUTF8(text, "\uFFFD"))
}

// units are the contract's.
var units = []redline.UnitOfMeasure{
	redline.UnitPiece, redline.UnitBottle, redline.UnitJar, redline.UnitCan, redline.UnitBag, redline.UnitBox,
	redline.UnitPack, redline.UnitCase, redline.UnitSet, redline.UnitPair, redline.UnitKilogram, redline.UnitLitre,
}

// parseUnit reads a unit by its name in the contract.
func parseUnit(text string) (*redline.UnitOfMeasure, error) {
	unit := redline.UnitOfMeasure(text)
	if !slices.Contains(units, unit) {
		return nil, fmt.Errorf("%s is not a unit: there are %s", quoted(text), listed(units))
	}
	return &unit, nil
}

// listed writes names with commas between.
func listed[S ~string](names []S) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}
