package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

const (
	// certificateInterval is how often the files are looked at.
	certificateInterval = 10 * time.Second
	// expiryNotice is how long before its end a certificate is warned of, and
	// expiryReminder how often.
	expiryNotice   = 14 * 24 * time.Hour
	expiryReminder = 24 * time.Hour
)

// Certificates is a certificate with its key, read from files anew when they
// change. Connections that stand keep the one that they began with. A pair that
// can't be used leaves the last good one in its place. It is safe for concurrent use.
type Certificates struct {
	certFile, keyFile string
	log               *slog.Logger
	interval          time.Duration
	pair              atomic.Pointer[tls.Certificate]

	// The rest belongs to whoever watches.

	cert, key []byte // the files as they were last seen
	failure   string // why they couldn't be read last; said once
	warned    time.Time
}

// LoadCertificates reads a pair of PEM files: the certificate, with those that vouch
// for it behind it, and its key. It fails where they don't make a pair.
func LoadCertificates(certFile, keyFile string, log *slog.Logger) (*Certificates, error) {
	c := &Certificates{certFile: certFile, keyFile: keyFile, log: log, interval: certificateInterval}
	if _, err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// NotAfter is when the certificate that is shown now ends.
func (c *Certificates) NotAfter() time.Time { return c.pair.Load().Leaf.NotAfter }

// config shows the pair as it is at each handshake: TLS 1.2 and 1.3, with the
// suites that Go holds to be good, for HTTP/2 and HTTP/1.1.
func (c *Certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil },
		// Small records at first let a browser show the head of a page sooner; answers
		// here are of use as a whole, and each record is a write.
		DynamicRecordSizingDisabled: true,
	}
}

// load reads the files, and reports whether they are others than before. It reads
// rather than compare dates: a mounted secret is changed by a link that points to
// another folder.
func (c *Certificates) load() (changed bool, err error) {
	cert, err := os.ReadFile(c.certFile)
	if err != nil {
		return false, fmt.Errorf("reading the certificate: %w", err)
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return false, fmt.Errorf("reading the certificate's key: %w", err)
	}
	if bytes.Equal(cert, c.cert) && bytes.Equal(key, c.key) {
		return false, nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false, fmt.Errorf("reading the certificate %s with the key %s: %w", c.certFile, c.keyFile, err)
	}
	if time.Now().After(pair.Leaf.NotAfter) {
		return false, fmt.Errorf("reading the certificate %s: it ended on %s", c.certFile, pair.Leaf.NotAfter.Format(time.RFC3339))
	}
	c.cert, c.key = cert, key
	c.pair.Store(&pair)
	return true, nil
}

// watch looks at the files every so often until ctx ends.
func (c *Certificates) watch(ctx context.Context) {
	tick := time.NewTicker(c.interval)
	defer tick.Stop()
	for {
		c.remind(time.Now())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		c.reload()
	}
}

// reload takes the files over if they are others, or says why it doesn't.
func (c *Certificates) reload() {
	changed, err := c.load()
	switch {
	case err != nil && err.Error() != c.failure:
		c.failure = err.Error()
		c.log.Error("the certificate could not be read again; the last one stays", "reason", err, "notAfter", c.NotAfter())
	case err == nil:
		c.failure = ""
		if changed {
			c.warned = time.Time{}
			c.log.Info("the certificate was read again", "notAfter", c.NotAfter())
		}
	}
}

// remind warns once a day of a certificate that is about to end, or has.
func (c *Certificates) remind(now time.Time) {
	left := c.NotAfter().Sub(now)
	if left > expiryNotice || now.Sub(c.warned) < expiryReminder {
		return
	}
	c.warned = now
	c.log.Warn("the certificate ends soon", "notAfter", c.NotAfter(), "days", int(left.Hours()/24))
}
