package redline

import "net/netip"

// NetworkOf is what limits count an address as: an IPv4 address as itself, also where it
// is written as an IPv6 one, and an IPv6 address as the /64 that it is in, since whoever
// has one of those has all of them. What is no address is counted as what it is.
func NetworkOf(address string) string {
	parsed, err := netip.ParseAddr(address)
	switch {
	case err != nil:
		return address
	case parsed.Is4():
		return address // there is one way to write it
	case parsed.Is4In6():
		return parsed.Unmap().String()
	}
	prefix, _ := parsed.Prefix(64) // every IPv6 address has one, without its zone
	return prefix.String()
}
