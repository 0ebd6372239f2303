package demo

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The units of the contract's UnitOfMeasure.
const (
	unitPiece    = "PIECE"
	unitBottle   = "BOTTLE"
	unitJar      = "JAR"
	unitCan      = "CAN"
	unitBag      = "BAG"
	unitBox      = "BOX"
	unitPack     = "PACK"
	unitCase     = "CASE"
	unitSet      = "SET"
	unitPair     = "PAIR"
	unitKilogram = "KILOGRAM"
	unitLitre    = "LITRE"
)

// maxQuantity is the most that any quantity may be.
const maxQuantity = 1_000_000_000

// Pack is how a supplier packs a product.
type Pack struct {
	Quantity     int    // base units in one supplier unit: 1 to 10^9
	BaseUnit     string // what stock is counted in
	SupplierUnit string // CASE where the pack holds more than one, else BaseUnit
}

// ParsePack reads one of Northwind's texts for the quantity per unit:
//
//	24 - 12 oz bottles    24 bottles; the size of one is not counted
//	10 boxes x 30 bags    300 bags: the counts are multiplied
//	36 boxes              36 boxes
//	1 kg pkg.             one pack: a weight or volume first is one thing, never grams
//	750 cc per bottle     one bottle
//	500 g, 500 ml         one pack, one bottle
//
// Spaces may be repeated. Any other text is an error that names it: a wrong
// guess would be wrong by the whole pack.
func ParsePack(text string) (Pack, error) {
	quantity, baseUnit := readPack(strings.Join(strings.Fields(text), " "))
	if quantity < 1 || quantity > maxQuantity || baseUnit == "" {
		return Pack{}, fmt.Errorf("quantity per unit %q has no known reading", text)
	}
	pack := Pack{Quantity: quantity, BaseUnit: baseUnit, SupplierUnit: baseUnit}
	if quantity > 1 {
		pack.SupplierUnit = unitCase
	}
	return pack, nil
}

const (
	countPattern = `([1-9][0-9]{0,9})`
	sizePattern  = `(?:[1-9][0-9]*(?:\.[0-9]+)?|0\.[0-9]*[1-9][0-9]*) ?([a-z]+)`
	nounPattern  = `([a-z]+(?: [a-z]+)?\.?)`
)

var (
	// "24 - 12 oz bottles", "36 boxes"
	countedText = regexp.MustCompile(`^` + countPattern + `(?: - ` + sizePattern + `)? ` + nounPattern + `$`)
	// "10 boxes x 30 bags"
	nestedText = regexp.MustCompile(`^` + countPattern + ` ` + nounPattern + ` x ` + countPattern + ` ` + nounPattern + `$`)
	// "1 kg pkg.", "750 cc per bottle", "500 g"
	singleText = regexp.MustCompile(`^` + sizePattern + `(?: (?:per )?` + nounPattern + `)?$`)
)

// counted are the things that a count may be of, singles what a weight or
// volume may be of, and outers what may hold a second count.
var (
	counted = map[string]string{
		"bottles": unitBottle,
		"jars":    unitJar, "glasses": unitJar,
		"cans": unitCan, "tins": unitCan,
		"bags":  unitBag,
		"boxes": unitBox, "gift boxes": unitBox,
		"pkgs.": unitPack, "pkgs": unitPack,
		"pieces": unitPiece, "rounds": unitPiece, "bars": unitPiece, "pies": unitPiece, "sausgs.": unitPiece,
	}
	singles = map[string]string{"bottle": unitBottle, "box": unitBox, "pkg.": unitPack}
	outers  = map[string]bool{"boxes": true, "bags": true, "pkgs.": true}
)

// sizes are the weights and volumes, each with the thing that it stands for
// where the text names none; "oz" could be either and "k" is only short for kg
// before a thing, so that alone they stand for nothing.
var sizes = map[string]string{
	"g": unitPack, "kg": unitPack, "lb": unitPack,
	"ml": unitBottle, "cl": unitBottle, "l": unitBottle, "cc": unitBottle,
	"oz": "", "k": "",
}

// readPack returns no unit for a text that it doesn't know.
func readPack(text string) (quantity int, baseUnit string) {
	if m := nestedText.FindStringSubmatch(text); m != nil {
		if !outers[m[2]] {
			return 0, ""
		}
		outer, inner := count(m[1]), count(m[3])
		return outer * inner, counted[m[4]]
	}
	if m := singleText.FindStringSubmatch(text); m != nil {
		if alone, known := sizes[m[1]]; known {
			if m[2] == "" {
				return 1, alone
			}
			return 1, singles[m[2]]
		}
	}
	if m := countedText.FindStringSubmatch(text); m != nil {
		if _, known := sizes[m[2]]; m[2] == "" || known {
			return count(m[1]), counted[m[3]]
		}
	}
	return 0, ""
}

// count reads digits; what is over maxQuantity is 0, so that a product of two
// counts fits in an int.
func count(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil || n > maxQuantity {
		return 0
	}
	return n
}
