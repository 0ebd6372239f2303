package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
)

// caFlags say whose certificates are believed of a gateway that speaks https.
type caFlags struct {
	CA string `name:"ca" type:"path" placeholder:"FILE" help:"PEM file with certificates that vouch for the gateway's, beside those that this machine knows."`
}

// tls is how to meet a gateway that speaks https.
func (f *caFlags) tls() (*tls.Config, error) {
	if f.CA == "" {
		return &tls.Config{}, nil
	}
	pem, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, fmt.Errorf("reading --ca: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // this machine knows none
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("reading --ca: there is no certificate in " + f.CA)
	}
	return &tls.Config{RootCAs: roots}, nil
}

// transport is how requests go to such a gateway.
func (f *caFlags) transport() (*http.Transport, error) {
	config, err := f.tls()
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	return transport, nil
}
