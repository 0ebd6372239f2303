package server

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are those whose word on a client is taken. The zero value trusts none.
type Proxies struct {
	// Trusted are the addresses that they connect from. IPv4 addresses are
	// written as such, not mapped to IPv6.
	Trusted []netip.Prefix
	// Forwarded reads the header Forwarded (RFC 7239), which then has to be theirs,
	// in place of X-Forwarded-For and X-Forwarded-Proto. Whichever is not read
	// could be anybody's.
	Forwarded bool
}

// ParseProxy reads what says whom to trust: an address, a CIDR, or a word for
// several: loopback for the machine itself, private for the networks of RFC 1918
// and RFC 4193. It fails at the first that is none of them.
func ParseProxy(text string) ([]netip.Prefix, error) {
	switch text {
	case "loopback":
		return loopback, nil
	case "private":
		return private, nil
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil || prefix.Addr().Is4In6() {
		return nil, fmt.Errorf("%q is no address, no CIDR such as 10.0.0.0/8, and neither loopback nor private", text)
	}
	if prefix != prefix.Masked() {
		return nil, fmt.Errorf("%q has bits set behind its mask: %s is meant, or one address of it", text, prefix.Masked())
	}
	return []netip.Prefix{prefix}, nil
}

var (
	loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	private  = []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("fc00::/7"),
	}
)

func (p *Proxies) trust(addr netip.Addr) bool {
	for _, prefix := range p.Trusted {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// clientOf says from which address a request comes, and whether it came by https.
//
// Where the peer that connected is a trusted proxy, what it says of whom it heard
// is believed; where that is one too, what that one said; and so on from the last to
// the first. The address is that of the first who isn't trusted: what stands before
// it is that one's word, and could be anything. Something that is no address ends
// the walk at whoever handed it on.
func (p *Proxies) clientOf(r *http.Request) (address string, secure bool) {
	secure = r.TLS != nil
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr, secure // no network that we know of
	}
	addr := peer.Addr().Unmap().WithZone("")
	if !p.trust(addr) {
		return addr.String(), secure
	}
	if p.Forwarded {
		addr, secure = p.walkForwarded(addr, r.Header.Values("Forwarded"), secure)
		return addr.String(), secure
	}
	if said := lastOf(r.Header.Values("X-Forwarded-Proto")); said != "" {
		secure = strings.EqualFold(said, "https")
	}
	for hop := range fromTheLast(r.Header.Values("X-Forwarded-For"), ',') {
		from, ok := parseNode(hop)
		if !ok {
			break
		}
		if addr = from; !p.trust(addr) {
			break
		}
	}
	return addr.String(), secure
}

// walkForwarded is the walk over elements of Forwarded. Each has, beside who was
// heard, by what.
func (p *Proxies) walkForwarded(addr netip.Addr, values []string, secure bool) (netip.Addr, bool) {
	for element := range fromTheLast(values, ',') {
		node, proto, ok := parseElement(element)
		if !ok {
			break
		}
		if proto != "" {
			secure = strings.EqualFold(proto, "https")
		}
		from, ok := parseNode(node)
		if !ok {
			break
		}
		if addr = from; !p.trust(addr) {
			break
		}
	}
	return addr, secure
}

// fromTheLast yields the members of a list, which may be in several headers, from
// the last to the first.
func fromTheLast(values []string, separator byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := len(values) - 1; i >= 0; i-- {
			for rest, more := values[i], true; more; {
				member := rest
				at := strings.LastIndexByte(rest, separator)
				if more = at >= 0; more {
					rest, member = rest[:at], rest[at+1:]
				}
				if !yield(strings.Trim(member, " \t")) {
					return
				}
			}
		}
	}
}

func lastOf(values []string) string {
	for member := range fromTheLast(values, ',') {
		return member
	}
	return ""
}

// parseNode reads an address that may have a port, an IPv6 one then in brackets. It
// knows none of the names that RFC 7239 §6 has for who isn't to be told.
func parseNode(text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		if bare, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(bare, "]") {
			addr, err = netip.ParseAddr(bare[:len(bare)-1])
			if err == nil && addr.Is4() {
				return netip.Addr{}, false
			}
		} else {
			var both netip.AddrPort
			both, err = netip.ParseAddrPort(text)
			addr = both.Addr()
		}
	}
	if err != nil || addr.Zone() != "" || addr.IsUnspecified() {
		return netip.Addr{}, false
	}
	return addr.Unmap(), true
}

// parseElement reads an element of Forwarded (RFC 7239 §4): what it says of for and
// of proto, "" where it says nothing. A quoted value may not hold a comma, which no
// address does, nor an escape.
func parseElement(element string) (node, proto string, ok bool) {
	for pair := range strings.SplitSeq(element, ";") {
		if pair = strings.Trim(pair, " \t"); pair == "" {
			continue
		}
		name, value, found := strings.Cut(pair, "=")
		if !found {
			return "", "", false
		}
		if bare, quoted := strings.CutPrefix(value, `"`); quoted {
			if value, found = strings.CutSuffix(bare, `"`); !found || strings.ContainsAny(value, `"\`) {
				return "", "", false
			}
		}
		var into *string
		switch strings.ToLower(name) {
		case "for":
			into = &node
		case "proto":
			into = &proto
		default:
			continue
		}
		if *into != "" || value == "" {
			return "", "", false
		}
		*into = value
	}
	return node, proto, true
}
