package auth

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"redline"
)

// The names under which a gateway's own tokens are issued and expected.
const (
	DefaultIssuer   = "redline"
	DefaultAudience = "redline"
)

// How long an issued token may live: at least a second, since its times are
// whole seconds, and at most a leap year.
const (
	MinTTL = time.Second
	MaxTTL = 366 * 24 * time.Hour
)

// Claims is what a token to be issued says.
type Claims struct {
	// Issuer and Audience are "redline" unless set.
	Issuer   string
	Audience string
	// Subject is who holds the token. With the issuer it is the owner of the
	// orders placed with it. Required.
	Subject string
	Role    redline.Role
	// Scopes narrow what the role may do; nil leaves the role its defaults.
	// They must be among those defaults, and none at all is an error.
	Scopes []string
	// Suppliers are the codes of the suppliers spoken for: one or more for a
	// supplier, none for other roles.
	Suppliers []string
	// Customer is the shop's own customer id: required for a customer, empty
	// for other roles.
	Customer string
	// ClientID is the OAuth client that the token is given to, "" for none. Such a token
	// has the type at+jwt and says all that RFC 9068 asks for.
	ClientID string
	// TTL is the token's life from now on, MinTTL to MaxTTL. It ends on a whole
	// second, so up to one earlier.
	TTL time.Duration
}

// Issue signs a token with these claims. Nothing is issued that a Verifier
// with this key, issuer and audience would refuse or read otherwise, one that reads
// clients for a token of a client; the error names the claim.
func (k *SigningKey) Issue(claims Claims) (string, error) {
	if claims.Issuer == "" {
		claims.Issuer = DefaultIssuer
	}
	if claims.Audience == "" {
		claims.Audience = DefaultAudience
	}
	if err := claims.validate(); err != nil {
		return "", fmt.Errorf("issuing a token: %w", err)
	}
	now := time.Now()
	members := jwt.MapClaims{
		"iss":  claims.Issuer,
		"aud":  claims.Audience,
		"sub":  claims.Subject,
		"iat":  now.Unix(),
		"exp":  now.Add(claims.TTL).Unix(),
		"jti":  rand.Text(),
		"role": strings.ToLower(string(claims.Role)),
	}
	if claims.Scopes != nil {
		members["scope"] = strings.Join(claims.Scopes, " ")
	}
	if len(claims.Suppliers) > 0 {
		members["suppliers"] = claims.Suppliers
	}
	if claims.Customer != "" {
		members["customer"] = claims.Customer
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, members)
	token.Header["kid"] = k.public.id
	if claims.ClientID != "" {
		members["client_id"] = claims.ClientID
		token.Header["typ"] = "at+jwt"
	}
	raw, err := token.SignedString(k.private)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	if len(raw) > MaxTokenBytes {
		return "", fmt.Errorf("issuing a token: %d bytes long, more than the %d that are taken", len(raw), MaxTokenBytes)
	}
	return raw, nil
}

func (c Claims) validate() error {
	if err := cmp.Or(
		checkIssuerName(c.Issuer),
		checkText("the audience", c.Audience),
		checkText("the subject", c.Subject),
	); err != nil {
		return err
	}
	if !c.Role.Valid() {
		return fmt.Errorf("unknown role %q", c.Role)
	}
	if c.TTL < MinTTL || c.TTL > MaxTTL {
		return fmt.Errorf("a life of %v; it must be between %v and %v", c.TTL, MinTTL, MaxTTL)
	}
	if c.ClientID != "" {
		if err := checkText("the client's id", c.ClientID); err != nil {
			return err
		}
	}
	if err := c.validateScopes(); err != nil {
		return err
	}
	return c.validateParty()
}

func (c Claims) validateScopes() error {
	if c.Scopes != nil && len(c.Scopes) == 0 {
		return errors.New("an empty scope would allow nothing: leave it out for the role's defaults")
	}
	for _, scope := range c.Scopes {
		if !slices.Contains(redline.DefaultScopes(redline.RoleAdmin), scope) {
			return fmt.Errorf("unknown scope %q", scope)
		}
		if !slices.Contains(redline.DefaultScopes(c.Role), scope) {
			return fmt.Errorf("the role %s does not have the scope %q", c.Role, scope)
		}
	}
	return nil
}

// validateParty checks whom the token speaks for.
func (c Claims) validateParty() error {
	switch {
	case c.Role == redline.RoleSupplier && len(c.Suppliers) == 0:
		return errors.New("a supplier's token needs at least one supplier code")
	case c.Role != redline.RoleSupplier && len(c.Suppliers) > 0:
		return fmt.Errorf("supplier codes are for the role %s only", redline.RoleSupplier)
	case c.Role == redline.RoleCustomer && c.Customer == "":
		return errors.New("a customer's token needs the customer's id")
	case c.Role != redline.RoleCustomer && c.Customer != "":
		return fmt.Errorf("a customer id is for the role %s only", redline.RoleCustomer)
	}
	if c.Customer != "" {
		if err := checkText("the customer id", c.Customer); err != nil {
			return err
		}
	}
	return checkSuppliers(c.Suppliers)
}
