package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"redline"
	"redline/auth"
)

// keyFlags say whose tokens are taken.
type keyFlags struct {
	JWTPublicKeys string `name:"jwt-public-keys" type:"path" placeholder:"FILE" help:"PEM file with the public keys (RSA, P-256 or Ed25519) of your tokens' issuer."`
	JWTSecretFile string `name:"jwt-secret-file" type:"path" placeholder:"FILE" help:"File with the secret, of 32 bytes or more, that signs your tokens with HS256."`
	JWTIssuer     string `name:"jwt-issuer" default:"redline" help:"What the claim iss of a token has to be."`
	JWTAudience   string `name:"jwt-audience" default:"redline" help:"What the claim aud of a token has to hold."`
}

func (f *keyFlags) configured() bool { return f.JWTPublicKeys != "" || f.JWTSecretFile != "" }

// keyring verifies tokens, and issues them where the key is our own.
type keyring struct {
	verifier *auth.Verifier
	// local is the data directory's key; nil where an outside issuer's are set.
	local *auth.SigningKey
}

// keys reads the configured keys; without any, the data directory's own serves,
// unless outside keys alone will do.
func (f *keyFlags) keys(dataDir string, outsideOnly bool) (*keyring, error) {
	ring := &keyring{}
	var keys []*auth.Key
	if f.JWTPublicKeys != "" {
		pem, err := os.ReadFile(f.JWTPublicKeys)
		if err != nil {
			return nil, fmt.Errorf("reading --jwt-public-keys: %w", err)
		}
		if keys, err = auth.ParsePublicKeys(pem); err != nil {
			return nil, fmt.Errorf("reading --jwt-public-keys %s: %w", f.JWTPublicKeys, err)
		}
	}
	if f.JWTSecretFile != "" {
		secret, err := os.ReadFile(f.JWTSecretFile)
		if err != nil {
			return nil, fmt.Errorf("reading --jwt-secret-file: %w", err)
		}
		key, err := auth.NewSecretKey("", bytes.TrimRight(secret, "\r\n"))
		if err != nil {
			return nil, fmt.Errorf("reading --jwt-secret-file %s: %w", f.JWTSecretFile, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 && !outsideOnly {
		local, err := localKey(dataDir)
		if err != nil {
			return nil, err
		}
		ring.local, keys = local, append(keys, local.Public())
	}
	static, err := auth.NewStaticKeys(keys...)
	if err != nil {
		return nil, fmt.Errorf("reading the keys of tokens: %w", err)
	}
	ring.verifier, err = auth.NewVerifier(auth.VerifierOptions{Keys: static, Issuer: f.JWTIssuer, Audience: f.JWTAudience})
	if err != nil {
		return nil, fmt.Errorf("making the verifier of tokens: %w", err)
	}
	return ring, nil
}

// authenticate turns the Authorization headers of a request into a principal.
func (k *keyring) authenticate(ctx context.Context, authorization []string) (redline.Principal, error) {
	token, present, err := auth.BearerFrom(authorization)
	if err != nil {
		return redline.Principal{}, err
	}
	if !present {
		return redline.Anonymous(), nil
	}
	return k.verifier.Verify(ctx, token)
}
