package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"redline"
	"redline/auth"
	"redline/oauth"
	"redline/store"
)

// signingFlags say how the gateway issues tokens of its own, which OAuth clients get at
// /oauth/token.
type signingFlags struct {
	SigningKey []string      `type:"path" placeholder:"FILE" help:"File with a key that signs tokens for OAuth clients, as 'redline signing-key' makes it; the same for all gateways. May be given several times: the first signs, and tokens of the others are good still. Left out, the data directory's key, where tokens of that are taken."`
	TokenTTL   time.Duration `name:"token-ttl" default:"1h" help:"How long a token of an OAuth client is good for; at most 24h."`
	PublicURL  string        `placeholder:"URL" help:"Where callers find the gateway, as https://host: for /.well-known/oauth-authorization-server, which is left out without it."`
}

func (f *signingFlags) check() error {
	var faults []error
	if f.TokenTTL < time.Second || f.TokenTTL > redline.MaxClientTokenTTL {
		faults = append(faults, fmt.Errorf("--token-ttl is %s; it has to be from 1s to %s", f.TokenTTL, redline.MaxClientTokenTTL))
	}
	if f.PublicURL != "" {
		if err := oauth.CheckPublicURL(f.PublicURL); err != nil {
			faults = append(faults, fmt.Errorf("--public-url: %w", err))
		}
	}
	_, err := f.signingKeys()
	return errors.Join(append(faults, err)...)
}

// signingKeys reads the keys, the one that signs first.
func (f *signingFlags) signingKeys() ([]*auth.SigningKey, error) {
	var keys []*auth.SigningKey
	var faults []error
	for _, file := range f.SigningKey {
		key, err := auth.ReadSigningKey(file)
		if err != nil {
			faults = append(faults, fmt.Errorf("reading --signing-key: %w", err))
			continue
		}
		keys = append(keys, key)
	}
	return keys, errors.Join(faults...)
}

// endpoints are what answers OAuth clients, by path; none where there is no key to sign
// their tokens with. done is told what came of each request for a token.
func (f *signingFlags) endpoints(clients *store.Store, keys *keyring, done func(outcome string), log *slog.Logger) (map[string]http.Handler, error) {
	if len(keys.signing) == 0 {
		log.Info("OAuth clients get no tokens here: there is no /oauth/token without --signing-key")
		return nil, nil
	}
	set, err := auth.KeySetOf(keys.signing...)
	if err != nil {
		return nil, err
	}
	server, err := oauth.New(oauth.Options{
		Clients: clients, KeySet: set, TTL: f.TokenTTL, PublicURL: f.PublicURL, Done: done, Log: log,
		Issue: func(grant redline.ClientGrant, ttl time.Duration) (string, error) {
			return keys.signing[0].Issue(auth.Claims{
				Subject: grant.ClientID, ClientID: grant.ClientID, Role: grant.Role, Scopes: grant.Scopes, Suppliers: grant.Suppliers, TTL: ttl,
			})
		},
	})
	if err != nil {
		return nil, err
	}
	return server.Handlers(), nil
}

type signingKeyCmd struct {
	File string `arg:"" type:"path" help:"Where the key goes; a file that is there is left alone."`
}

// Run makes a key and prints its id, by which tokens name it.
func (c *signingKeyCmd) Run(io streams) error {
	err := auth.CreateSigningKey(c.File)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already: remove it first", c.File)
	}
	if err != nil {
		return err
	}
	key, err := auth.ReadSigningKey(c.File)
	if err != nil {
		return err
	}
	fmt.Fprintln(io.out, key.Public().ID())
	return nil
}
