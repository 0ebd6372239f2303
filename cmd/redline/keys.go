package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"redline"
	"redline/auth"
)

// keyFlags say whose tokens are taken.
type keyFlags struct {
	JWTPublicKeys   string        `name:"jwt-public-keys" type:"path" placeholder:"FILE" help:"PEM file with the public keys (RSA, P-256 or Ed25519) of your tokens' issuer."`
	JWTSecretFile   string        `name:"jwt-secret-file" type:"path" placeholder:"FILE" help:"File with the secret, of 32 bytes or more, that signs your tokens with HS256."`
	JWTJWKSURL      string        `name:"jwt-jwks-url" placeholder:"URL" help:"Where your tokens' issuer publishes its keys as a JWK Set: https, or http to this machine."`
	JWTIssuer       string        `name:"jwt-issuer" default:"redline" help:"What the claim iss of a token has to be."`
	JWTAudience     string        `name:"jwt-audience" default:"redline" help:"What the claim aud of a token has to hold."`
	JWTIssuers      string        `name:"jwt-issuers" type:"path" placeholder:"FILE" help:"JSON file that lists several issuers, instead of the flags for one: docs/tokens.md."`
	JWTLeeway       time.Duration `name:"jwt-leeway" default:"10s" help:"By how much an issuer's clock may be off; at most 30s."`
	JWTJWKSInterval time.Duration `name:"jwt-jwks-interval" default:"10m" help:"How often published keys are fetched anew."`
	JWTJWKSMaxAge   time.Duration `name:"jwt-jwks-max-age" default:"24h" help:"For how long fetched keys are used while their issuer can't be reached."`
}

// configured reports whether outside issuers are set.
func (f *keyFlags) configured() bool { return f.single() || f.JWTIssuers != "" }

// single reports whether the flags for one issuer are used.
func (f *keyFlags) single() bool {
	return f.JWTPublicKeys != "" || f.JWTSecretFile != "" || f.JWTJWKSURL != ""
}

// check refuses flags that don't go together, and files that can't be used, whether
// or not their flags go together.
func (f *keyFlags) check() error {
	var faults []error
	if f.JWTJWKSURL != "" && (f.JWTPublicKeys != "" || f.JWTSecretFile != "") {
		faults = append(faults, errors.New("--jwt-jwks-url doesn't go together with --jwt-public-keys or --jwt-secret-file: an issuer's keys are in one place"))
	}
	if f.JWTIssuers != "" && (f.single() || f.JWTIssuer != auth.DefaultIssuer || f.JWTAudience != auth.DefaultAudience) {
		faults = append(faults, errors.New("--jwt-issuers doesn't go together with the flags for one issuer (--jwt-public-keys, --jwt-secret-file, --jwt-jwks-url, --jwt-issuer, --jwt-audience): list that one in the file"))
	}
	if f.JWTLeeway <= 0 || f.JWTLeeway > auth.MaxLeeway {
		faults = append(faults, fmt.Errorf("--jwt-leeway is %s; it has to be more than 0 and at most %s", f.JWTLeeway, auth.MaxLeeway))
	}
	if f.JWTJWKSInterval < time.Second || f.JWTJWKSMaxAge < f.JWTJWKSInterval {
		faults = append(faults, fmt.Errorf("--jwt-jwks-interval (%s) has to be at least 1s, and --jwt-jwks-max-age (%s) no shorter", f.JWTJWKSInterval, f.JWTJWKSMaxAge))
	}
	_, err := f.outside()
	return errors.Join(append(faults, err)...)
}

// keyring verifies tokens, and issues them where the key is our own.
type keyring struct {
	verifier *auth.Verifier
	// signing are the keys of the gateway's own issuer, of which the first signs; none
	// where it issues no tokens.
	signing []*auth.SigningKey
	// local is the data directory's key, where that is the own issuer's.
	local *auth.SigningKey
	// published are the keys of the issuers that publish them, by the issuer's name.
	published map[string]*auth.JWKS
	// configured is whether an issuer's keys are known from the start.
	configured bool
	// revoked reports whether a token's client was revoked.
	revoked func(redline.Principal) bool
}

// keys makes the issuers whose tokens are taken: those that are configured, and the
// gateway's own where there are keys to sign with. Where there is none of either, the
// data directory's key signs, unless that won't do.
func (f *keyFlags) keys(dataDir string, outsideOnly bool, signing []*auth.SigningKey, log *slog.Logger) (_ *keyring, err error) {
	outside, err := f.outside()
	if err != nil {
		return nil, err
	}
	ring := &keyring{signing: signing, published: map[string]*auth.JWKS{}}
	defer func() {
		if err != nil {
			ring.close()
		}
	}()
	var issuers []auth.Issuer
	for _, issuer := range outside {
		if issuer.Keys == nil {
			if issuer.Keys, err = f.publishedBy(issuer, ring, log); err != nil {
				return nil, err
			}
		} else {
			ring.configured = true
		}
		issuers = append(issuers, issuer.Issuer)
	}
	if len(issuers)+len(signing) == 0 && !outsideOnly {
		if ring.local, err = localKey(dataDir); err != nil {
			return nil, err
		}
		ring.signing = []*auth.SigningKey{ring.local}
	}
	if len(ring.signing) > 0 {
		own, err := ownIssuer(ring.signing)
		if err != nil {
			return nil, err
		}
		issuers, ring.configured = append(issuers, own), true
	}
	ring.verifier, err = auth.NewVerifier(auth.VerifierOptions{Issuers: issuers, Leeway: f.JWTLeeway})
	if err != nil {
		return nil, fmt.Errorf("making the verifier of tokens: %w", err)
	}
	return ring, nil
}

// ownIssuer is the gateway's own issuer, whose tokens OAuth clients get and `redline token`
// makes. Its name is the same for all gateways, wherever callers find them.
func ownIssuer(signing []*auth.SigningKey) (auth.Issuer, error) {
	public := make([]*auth.Key, len(signing))
	for i, key := range signing {
		public[i] = key.Public()
	}
	keys, err := auth.NewStaticKeys(public...)
	if err != nil {
		return auth.Issuer{}, fmt.Errorf("reading the gateway's own keys: %w", err)
	}
	return auth.Issuer{Name: auth.DefaultIssuer, Audiences: []string{auth.DefaultAudience}, Keys: keys, Clients: true}, nil
}

// publishedBy begins to fetch an issuer's keys.
func (f *keyFlags) publishedBy(issuer outsideIssuer, ring *keyring, log *slog.Logger) (auth.KeySet, error) {
	keys, err := auth.NewJWKS(auth.JWKSOptions{
		URL: issuer.jwksURL, Issuer: issuer.discovered(), Interval: f.JWTJWKSInterval, MaxAge: f.JWTJWKSMaxAge,
		Log: log.With("issuer", issuer.Name),
	})
	if err != nil {
		return nil, fmt.Errorf("the keys of the issuer %q: %w", issuer.Name, err)
	}
	ring.published[issuer.Name] = keys
	return keys, nil
}

// close stops fetching keys, and waits.
func (k *keyring) close() {
	for _, keys := range k.published {
		keys.Close()
	}
}

// ready reports whether the keys of any issuer are known, or were. A gateway
// that can't reach an issuer starts nevertheless, but isn't sent requests until
// it could take some token. One that lost its issuer later goes on: it
// still serves all who need no token, and those of other issuers.
func (k *keyring) ready(context.Context) error {
	if k.configured {
		return nil
	}
	for _, keys := range k.published {
		if !keys.Stats().Confirmed.IsZero() {
			return nil
		}
	}
	return errors.New("no issuer's keys could be fetched yet")
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
	p, err := k.verifier.Verify(ctx, token)
	if err == nil && k.revoked(p) {
		return redline.Principal{}, fmt.Errorf("%w: its client was revoked", auth.ErrInvalidToken)
	}
	return p, err
}
