package redline_test

import (
	"testing"

	"redline"
)

func TestValidGTIN(t *testing.T) {
	t.Parallel()
	for gtin, valid := range map[string]bool{
		// Of 8, 12, 13 and 14 digits; leading zeros change nothing.
		"96385074": true, "614141999996": true, "4006381333931": true, "6291041500213": true, "04006381333931": true, "10614141000415": true,
		"00000000": true,
		// A wrong check digit, and two digits that changed places.
		"96385075": false, "4006381333932": false, "4006318333931": false,
		// Another length.
		"": false, "9638507": false, "400638133393": false, "004006381333931": false,
		// No digits.
		"4006381 33393": false, "40063813339ab": false, "400638133393-": false, "４００６": false,
	} {
		if redline.ValidGTIN(gtin) != valid {
			t.Errorf("%q is a GTIN: %t", gtin, !valid)
		}
	}
}
