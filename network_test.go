package redline_test

import (
	"testing"

	"redline"
)

func TestNetworkOf(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.1":           "192.0.2.1",
		"::ffff:192.0.2.1":    "192.0.2.1",
		"::ffff:c000:201":     "192.0.2.1",
		"::ffff:192.0.2.1%en": "192.0.2.1",
		"2001:db8:1:2::1":     "2001:db8:1:2::/64",
		"2001:DB8:1:2:3::":    "2001:db8:1:2::/64",
		"2001:db8:1:3::1":     "2001:db8:1:3::/64",
		"fe80::1%eth0":        "fe80::/64",
		"::1":                 "::/64",
		"192.0.2.01":          "192.0.2.01", // no address
		"@":                   "@",
		"":                    "",
	} {
		if got := redline.NetworkOf(address); got != want {
			t.Errorf("%q counts as %q; want %q", address, got, want)
		}
	}
}
