package redline

// ValidGTIN reports whether a text is a Global Trade Item Number: 8, 12, 13 or
// 14 digits, of which the last checks the others. Counted from the right, behind
// it, the digits weigh 3 and 1 in turn, and what the check digit adds makes their
// sum a multiple of 10 (GS1 General Specifications, section 7.9.1, "Standard
// check digit calculations for GS1 data structures").
func ValidGTIN(gtin string) bool {
	switch len(gtin) {
	case 8, 12, 13, 14:
	default:
		return false
	}
	sum := 0
	for i := range len(gtin) {
		d := int(gtin[i] - '0')
		if d < 0 || d > 9 {
			return false
		}
		if (len(gtin)-i)%2 == 0 {
			d *= 3
		}
		sum += d
	}
	return sum%10 == 0
}
