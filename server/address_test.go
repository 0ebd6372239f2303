package server_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"redline/server"
)

// proxies are those that trust what is named.
func proxies(tb testing.TB, trusted ...string) server.Proxies {
	tb.Helper()
	var p server.Proxies
	for _, text := range trusted {
		prefixes, err := server.ParseProxy(text)
		if err != nil {
			tb.Fatal(err)
		}
		p.Trusted = append(p.Trusted, prefixes...)
	}
	return p
}

// fataler is a test, rapid's too.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// seen is what a server makes of a request: the address in its log, and whether it
// answers as over https.
func seen(tb fataler, r *rig, peer string, header http.Header, overTLS bool) (address string, secure bool) {
	tb.Helper()
	request := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/nowhere", nil)
	request.RemoteAddr = peer
	for name, values := range header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	if overTLS {
		request.TLS = &tls.ConnectionState{}
	}
	r.log.reset()
	recorder := httptest.NewRecorder()
	r.ServeHTTP(recorder, request)
	var line struct{ Msg, Address string }
	for text := range strings.Lines(r.log.String()) {
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			tb.Fatalf("the log says %s: %v", text, err)
		}
	}
	if line.Msg != "request" {
		tb.Fatalf("the log ends with %+v", line)
	}
	return line.Address, recorder.Header().Get("Strict-Transport-Security") != ""
}

func behind(tb testing.TB, p server.Proxies) *rig {
	return newRig(tb, server.ExecOptions{}, func(o *server.Options) { o.Proxies, o.HSTS = p, 1<<40 })
}

func TestWhoAsksThroughProxies(t *testing.T) {
	t.Parallel()
	r := behind(t, proxies(t, "10.0.0.0/8", "2001:db8:1::/48", "192.0.2.7"))
	for _, one := range []struct {
		peer string
		hops []string // X-Forwarded-For
		want string
	}{
		{"203.0.113.9:5000", nil, "203.0.113.9"},
		{"[2001:db8::9]:5000", nil, "2001:db8::9"},
		{"[fe80::1%eth0]:5000", nil, "fe80::1"},
		{"[::ffff:203.0.113.9]:5000", nil, "203.0.113.9"},
		{"@", nil, "@"},
		// Who isn't trusted says nothing.
		{"203.0.113.9:5000", []string{"198.51.100.1"}, "203.0.113.9"},
		{"11.0.0.1:5000", []string{"198.51.100.1"}, "11.0.0.1"},
		// Who is may say nothing.
		{"10.0.0.1:5000", nil, "10.0.0.1"},
		{"10.0.0.1:5000", []string{""}, "10.0.0.1"},
		{"10.0.0.1:5000", []string{"198.51.100.1"}, "198.51.100.1"},
		{"[::ffff:10.0.0.1]:5000", []string{"198.51.100.1"}, "198.51.100.1"},
		{"[2001:db8:1::1]:5000", []string{"2001:db8::9"}, "2001:db8::9"},
		{"192.0.2.7:5000", []string{"198.51.100.1"}, "198.51.100.1"},
		{"192.0.2.8:5000", []string{"198.51.100.1"}, "192.0.2.8"},
		// Through several of them, and what the client wrote itself before them.
		{"10.0.0.1:5000", []string{"198.51.100.1, 10.2.3.4,10.0.0.9"}, "198.51.100.1"},
		{"10.0.0.1:5000", []string{"198.51.100.1", "10.2.3.4", "10.0.0.9"}, "198.51.100.1"},
		{"10.0.0.1:5000", []string{"1.1.1.1, 198.51.100.1 , 10.2.3.4"}, "198.51.100.1"},
		{"10.0.0.1:5000", []string{"10.9.9.9, 10.2.3.4"}, "10.9.9.9"},
		// The forms in which addresses are written.
		{"10.0.0.1:5000", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		{"10.0.0.1:5000", []string{"[2001:db8::9]"}, "2001:db8::9"},
		{"10.0.0.1:5000", []string{"[2001:db8::9]:4711"}, "2001:db8::9"},
		{"10.0.0.1:5000", []string{"2001:DB8:0::9"}, "2001:db8::9"},
		{"10.0.0.1:5000", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"10.0.0.1:5000", []string{"198.51.100.1, ::ffff:10.0.0.9"}, "198.51.100.1"},
		// What is no address ends the walk at who handed it on.
		{"10.0.0.1:5000", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		{"10.0.0.1:5000", []string{"198.51.100.1, x, 10.0.0.9"}, "10.0.0.9"},
		{"10.0.0.1:5000", []string{"198.51.100.1,"}, "10.0.0.1"},
		{"10.0.0.1:5000", []string{"0.0.0.0"}, "10.0.0.1"},
		{"10.0.0.1:5000", []string{"fe80::1%eth0"}, "10.0.0.1"},
		{"10.0.0.1:5000", []string{"[198.51.100.1]"}, "10.0.0.1"},
		{"10.0.0.1:5000", []string{`"198.51.100.1"`}, "10.0.0.1"},
	} {
		header := http.Header{"X-Forwarded-For": one.hops, "Forwarded": {"for=1.2.3.4"}, "X-Real-Ip": {"1.2.3.4"}}
		if got, _ := seen(t, r, one.peer, header, false); got != one.want {
			t.Errorf("%s with %q: %s, want %s", one.peer, one.hops, got, one.want)
		}
	}
}

func TestWhoAsksAsForwardedSays(t *testing.T) {
	t.Parallel()
	p := proxies(t, "private")
	p.Forwarded = true
	r := behind(t, p)
	for _, one := range []struct {
		peer   string
		said   []string
		want   string
		secure bool
	}{
		{"203.0.113.9:5000", []string{"for=198.51.100.1;proto=https"}, "203.0.113.9", false},
		{"10.0.0.1:5000", []string{"for=198.51.100.1"}, "198.51.100.1", false},
		{"10.0.0.1:5000", []string{"For=198.51.100.1; PROTO=HTTPS; by=10.0.0.1"}, "198.51.100.1", true},
		{"10.0.0.1:5000", []string{`for="[2001:db8::9]:4711";proto=http`}, "2001:db8::9", false},
		{"10.0.0.1:5000", []string{"for=1.1.1.1;proto=http, for=198.51.100.1;proto=https, for=10.2.3.4;proto=http"}, "198.51.100.1", true},
		{"10.0.0.1:5000", []string{"for=198.51.100.1;proto=https", "for=192.168.3.4"}, "198.51.100.1", true},
		// An open quote of the client's doesn't swallow what is behind it.
		{"10.0.0.1:5000", []string{`for="1.1.1.1, for=198.51.100.1`}, "198.51.100.1", false},
		{"10.0.0.1:5000", []string{"for=198.51.100.1, for=unknown"}, "10.0.0.1", false},
		{"10.0.0.1:5000", []string{"for=198.51.100.1, for=_hidden;proto=https"}, "10.0.0.1", true},
		{"10.0.0.1:5000", []string{"for=1.1.1.1;for=198.51.100.1"}, "10.0.0.1", false},
		{"10.0.0.1:5000", []string{"198.51.100.1"}, "10.0.0.1", false},
		{"10.0.0.1:5000", []string{`for="198.51.100.1`}, "10.0.0.1", false},
		{"10.0.0.1:5000", []string{"proto=https"}, "10.0.0.1", true},
		{"10.0.0.1:5000", []string{"for="}, "10.0.0.1", false},
	} {
		header := http.Header{"Forwarded": one.said, "X-Forwarded-For": {"1.2.3.4"}}
		address, secure := seen(t, r, one.peer, header, false)
		if address != one.want || secure != one.secure {
			t.Errorf("%s with %q: %s, https %t; want %s, %t", one.peer, one.said, address, secure, one.want, one.secure)
		}
	}
}

// What came by https is told by who took it: this server, or a trusted proxy.
func TestWhatCameByHTTPS(t *testing.T) {
	t.Parallel()
	r := behind(t, proxies(t, "loopback"))
	for _, one := range []struct {
		peer    string
		said    []string // X-Forwarded-Proto
		overTLS bool
		want    bool
	}{
		{"203.0.113.9:5000", nil, false, false},
		{"203.0.113.9:5000", nil, true, true},
		{"203.0.113.9:5000", []string{"https"}, false, false},
		{"203.0.113.9:5000", []string{"http"}, true, true},
		{"127.0.0.1:5000", nil, false, false},
		{"127.0.0.1:5000", nil, true, true},
		{"127.0.0.1:5000", []string{"https"}, false, true},
		{"[::1]:5000", []string{"HTTPS"}, false, true},
		{"127.0.0.1:5000", []string{"http"}, true, false},
		{"127.0.0.1:5000", []string{"https", "http"}, false, false},
		{"127.0.0.1:5000", []string{"http, https"}, false, true},
		{"127.0.0.1:5000", []string{"wss"}, false, false},
	} {
		if _, got := seen(t, r, one.peer, http.Header{"X-Forwarded-Proto": one.said}, one.overTLS); got != one.want {
			t.Errorf("%s with %q, TLS %t: https %t", one.peer, one.said, one.overTLS, got)
		}
	}
}

// Whatever a client writes into its headers, it is known by the address that it
// connected from: to us, or to the first proxy that we trust, which adds it behind
// all that the client wrote.
func TestNobodyChoosesTheirAddress(t *testing.T) {
	t.Parallel()
	hop := rapid.OneOf(
		rapid.StringMatching(`[ -~]{0,20}`),
		rapid.SampledFrom([]string{"10.0.0.1", "127.0.0.1", "::1", "for=10.0.0.1", `for="[::1]"`, "1.2.3.4", "for=1.2.3.4", "", " ", ",", `"`, `for="`, "unknown", ";"}),
	)
	for name, forwarded := range map[string]bool{"X-Forwarded-For": false, "Forwarded": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := proxies(t, "loopback", "private")
			p.Forwarded = forwarded
			r := behind(t, p)
			rapid.Check(t, func(t *rapid.T) {
				written := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
					return strings.Join(rapid.SliceOfN(hop, 0, 4).Draw(t, "hops"), ",")
				}), 0, 3).Draw(t, "headers")
				client := netip.AddrFrom4([4]byte{203, 0, 113, rapid.Byte().Draw(t, "client")}).String()
				if got, _ := seen(t, r, client+":5000", http.Header{name: written}, false); got != client {
					t.Fatalf("who connects is taken for %s", got)
				}
				// A proxy adds to the last header, or another header behind it.
				added := client
				if forwarded {
					added = "for=" + client + ";proto=https"
				}
				if n := len(written); n > 0 && rapid.Bool().Draw(t, "to the last") {
					written[n-1] += ", " + added
				} else {
					written = append(written, added)
				}
				if got, _ := seen(t, r, "10.0.0.1:5000", http.Header{name: written}, false); got != client {
					t.Fatalf("who connects to a proxy is taken for %s, with %q", got, written)
				}
			})
		})
	}
}

func FuzzForwarded(f *testing.F) {
	f.Add("198.51.100.1, 10.0.0.9", true)
	f.Add(`for="[2001:db8::9]:4711";proto=https, for=10.0.0.9`, false)
	f.Add(`for=",;=`, true)
	f.Fuzz(func(t *testing.T, said string, forwarded bool) {
		p := proxies(t, "10.0.0.0/8")
		p.Forwarded = forwarded
		r := behind(t, p)
		got, _ := seen(t, r, "10.0.0.1:5000", http.Header{"X-Forwarded-For": {said}, "Forwarded": {said}}, false)
		if addr, err := netip.ParseAddr(got); err != nil || addr.Zone() != "" || addr.Is4In6() || addr.String() != got {
			t.Errorf("%q makes the address %q", said, got)
		}
	})
}

func TestParseProxy(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10.0.0.1": "[10.0.0.1/32]", "::ffff:10.0.0.1": "[10.0.0.1/32]", "2001:db8::1": "[2001:db8::1/128]", "10.0.0.0/8": "[10.0.0.0/8]",
		"0.0.0.0/0": "[0.0.0.0/0]", "loopback": "[127.0.0.0/8 ::1/128]", "private": "[10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7]",
	} {
		got, err := server.ParseProxy(text)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "10.0.0.1/8", "10.0.0.0/33", "proxy.example", "10.0.0.1:80", "fe80::1%eth0", "::ffff:10.0.0.0/104", "*"} {
		if got, err := server.ParseProxy(text); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
