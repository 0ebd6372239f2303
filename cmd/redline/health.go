package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

type healthCmd struct {
	caFlags `embed:""`

	Addr    string `default:"127.0.0.1:8080" help:"Where the gateway listens; on all addresses, it is asked on this machine's own."`
	TLSCert string `name:"tls-cert" placeholder:"FILE" help:"Set as it is for serve, it says that the gateway speaks https."`
}

// Run asks /readyz, for the container's health check.
func (c *healthCmd) Run(ctx context.Context, out streams) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return fmt.Errorf("reading --addr: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	transport, err := c.transport()
	if err != nil {
		return err
	}
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
		// No certificate names this machine's own address. Nothing leaves it, and
		// nothing is sent that somebody else could use.
		transport.TLSClientConfig.InsecureSkipVerify = loopback(host)
	}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("asking the gateway: %w", err)
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if errors.Is(err, http.ErrSchemeMismatch) {
		return errors.New("the gateway speaks plain HTTP: leave --tls-cert (REDLINE_TLS_CERT) out")
	}
	if err != nil {
		return fmt.Errorf("asking the gateway: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil {
		return fmt.Errorf("reading the gateway's answer: %w", err)
	}
	fmt.Fprintf(out.out, "%s\n", body)
	if resp.StatusCode != http.StatusOK {
		return notReady(resp.Status, body)
	}
	return nil
}

// plainToHTTPS is how a server of https answers who comes by plain HTTP.
const plainToHTTPS = "Client sent an HTTP request to an HTTPS server"

// notReady says what isn't ready, from what /readyz answered.
func notReady(status string, answer []byte) error {
	if bytes.Contains(answer, []byte(plainToHTTPS)) {
		return errors.New("the gateway speaks https: set --tls-cert (REDLINE_TLS_CERT) as it is for serve")
	}
	var told struct {
		NotReady []string
		Reasons  map[string]string
	}
	if err := json.Unmarshal(answer, &told); err != nil || len(told.NotReady) == 0 {
		return fmt.Errorf("the gateway isn't ready: %s", status)
	}
	faults := make([]string, len(told.NotReady))
	for i, name := range told.NotReady {
		faults[i] = name
		if why := told.Reasons[name]; why != "" {
			faults[i] += ": " + why
		}
	}
	return fmt.Errorf("the gateway isn't ready: %s (its log has more)", strings.Join(faults, "; "))
}
