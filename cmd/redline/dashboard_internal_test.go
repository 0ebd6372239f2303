package main

import (
	"log/slog"
	"net"
	"strings"
	"testing"

	"redline/auth"
)

// Whoever runs the demo where others reach it is told what that means; nobody else is.
func TestDemoForOthersIsWarnedOf(t *testing.T) {
	t.Parallel()
	local, off := &keyring{local: &auth.SigningKey{}}, false
	here, everywhere := &net.TCPAddr{IP: net.IPv6loopback, Port: 8080}, &net.TCPAddr{IP: net.IPv6zero, Port: 8080}
	demo := serveCmd{modeFlags: modeFlags{Demo: true}, dashboardFlags: dashboardFlags{Dashboard: true}}
	dashboard := serveCmd{dashboardFlags: dashboardFlags{Dashboard: true}}
	neither := serveCmd{modeFlags: modeFlags{Demo: true}, dashboardFlags: dashboardFlags{Explorer: &off}}
	explorer := serveCmd{modeFlags: modeFlags{Demo: true}}
	at := func(publicURL string, c serveCmd) serveCmd {
		c.PublicURL = publicURL
		return c
	}
	for name, test := range map[string]struct {
		c      serveCmd
		at     net.Addr
		keys   *keyring
		warned bool
	}{
		"behind a proxy":                  {at("https://redline.example.com", demo), here, local, true},
		"behind a proxy of this machine":  {at("https://localhost:8443", demo), here, local, false},
		"behind one at its address":       {at("https://[::1]:8443", demo), here, local, false},
		"its own issuer behind a proxy":   {at("https://redline.example.com", demo), here, &keyring{}, false},
		"no demo behind a proxy":          {at("https://redline.example.com", dashboard), here, local, false},
		"the demo's API behind one alone": {at("https://redline.example.com", neither), here, local, false},
		"for others":                      {demo, everywhere, local, true},
		"the explorer":                    {explorer, everywhere, local, true},
		"for this machine":                {demo, here, local, false},
		"an issuer of its own":            {demo, everywhere, &keyring{}, false},
		"no demo":                         {dashboard, everywhere, local, false},
		"no pages":                        {neither, everywhere, local, false},
	} {
		var log strings.Builder
		test.c.warnOfDemo(test.at, test.keys, slog.New(slog.NewTextHandler(&log, nil)))
		if warned := strings.Contains(log.String(), "token of any role"); warned != test.warned {
			t.Errorf("%s: %q", name, log.String())
		}
	}
}
