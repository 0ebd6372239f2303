package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"redline/live"
	"redline/server"
)

// edgeFlags say how the gateway meets those who ask: by https or behind a proxy, and
// from which pages.
type edgeFlags struct {
	TLSCert         string        `name:"tls-cert" type:"path" placeholder:"FILE" help:"PEM file with the certificate, and those that vouch for it behind it: the gateway then speaks https alone. It is read again when it changes."`
	TLSKey          string        `name:"tls-key" type:"path" placeholder:"FILE" help:"PEM file with the certificate's key."`
	HSTS            time.Duration `name:"hsts" default:"8760h" help:"How long a browser that came by https may come by nothing else (Strict-Transport-Security); 0s doesn't say so."`
	TrustedProxy    []string      `placeholder:"CIDR" help:"A proxy whose word is taken on a client's address and on https: an address or a CIDR, or loopback or private for those; may be given several times."`
	ForwardedHeader string        `default:"x-forwarded-for" enum:"x-forwarded-for,forwarded" help:"Where trusted proxies say it: in x-forwarded-for, with X-Forwarded-Proto, or in forwarded (RFC 7239). The other isn't read."`
	Origin          []string      `placeholder:"ORIGIN" help:"Another origin whose pages may use the gateway by fetch and by websocket, as scheme://host:port, or * for any; may be given several times."`
	MaxConnections  int           `help:"The most open connections, websockets aside; more are closed at once. 0 is 10,000 more than --max-sockets."`

	MaxConnectionsPerAddress int `help:"The most of them from one address, of IPv6 from one /64; a --trusted-proxy may have all. 0 is 2,000 more than --max-per-address."`
}

// edge is what the flags say.
type edge struct {
	certificates *server.Certificates // nil where the gateway speaks plain HTTP
	proxies      server.Proxies
	origins      *server.Origins
}

func (f *edgeFlags) check() error {
	_, err := f.read(slog.New(slog.DiscardHandler))
	return err
}

// read reads what the flags name, or says all that is wrong with them.
func (f *edgeFlags) read(log *slog.Logger) (e edge, err error) {
	var faults []error
	unreadable := errors.Join(readable("--tls-cert", f.TLSCert), readable("--tls-key", f.TLSKey))
	if unreadable != nil {
		faults = append(faults, unreadable)
	}
	switch {
	case (f.TLSCert == "") != (f.TLSKey == ""):
		faults = append(faults, errors.New("--tls-cert and --tls-key go together: one is set and the other isn't"))
	case f.TLSCert != "" && unreadable == nil:
		if e.certificates, err = server.LoadCertificates(f.TLSCert, f.TLSKey, log); err != nil {
			faults = append(faults, fmt.Errorf("--tls-cert: %w", err))
		}
	}
	// In whole seconds, of which 0 would have browsers forget what they were told before.
	if f.HSTS != 0 && f.HSTS < time.Second {
		faults = append(faults, fmt.Errorf("--hsts is %s; it has to be at least 1s, or 0s for none", f.HSTS))
	}
	e.proxies.Forwarded = f.ForwardedHeader == "forwarded"
	for _, text := range f.TrustedProxy {
		trusted, err := server.ParseProxy(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("--trusted-proxy: %w", err))
		}
		e.proxies.Trusted = append(e.proxies.Trusted, trusted...)
	}
	if e.origins, err = server.ParseOrigins(f.Origin); err != nil {
		faults = append(faults, fmt.Errorf("--origin: %w", err))
	}
	if f.MaxConnections < 0 {
		faults = append(faults, fmt.Errorf("--max-connections is %d; it can't be negative", f.MaxConnections))
	}
	if f.MaxConnectionsPerAddress < 0 {
		faults = append(faults, fmt.Errorf("--max-connections-per-address is %d; it can't be negative", f.MaxConnectionsPerAddress))
	}
	return e, errors.Join(faults...)
}

// readable says why a flag's file can't be read, if it is set.
func readable(flag, path string) error {
	if path == "" {
		return nil
	}
	if _, err := readSmall(path); err != nil {
		return fmt.Errorf("reading %s: %w", flag, err)
	}
	return nil
}

// maxConnections leaves room for requests beside the streams, which are connections.
func (f *edgeFlags) maxConnections(maxSockets int) int {
	return cmp.Or(f.MaxConnections, maxSockets+10_000)
}

// maxConnectionsPerAddress leaves room for requests beside one address' streams.
func (f *edgeFlags) maxConnectionsPerAddress(maxPerAddress int) int {
	return cmp.Or(f.MaxConnectionsPerAddress, maxPerAddress+2000)
}

// listener is what the server takes connections from.
func (e *edge) listener(l net.Listener) net.Listener {
	if e.certificates == nil {
		return l
	}
	return live.NewListener(l)
}

// url is the gateway's address as clients on this machine write it.
func (e *edge) url(addr net.Addr) string {
	if e.certificates == nil {
		return "http://" + addr.String()
	}
	return "https://" + addr.String()
}
