package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
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
	ip := net.ParseIP(host)
	if host == "" || ip != nil && ip.IsUnspecified() {
		host, ip = "127.0.0.1", net.IPv4(127, 0, 0, 1)
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
		transport.TLSClientConfig.InsecureSkipVerify = host == "localhost" || ip.IsLoopback()
	}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("asking the gateway: %w", err)
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
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
		return fmt.Errorf("the gateway isn't ready: %s", resp.Status)
	}
	return nil
}
