package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"redline"
	"redline/auth"
)

type tokenCmd struct {
	DataDir  string        `default:".redline" help:"Where the signing key is; it is made on first use."`
	Role     string        `required:"" enum:"storefront,customer,supplier,operator,admin" help:"What kind of user: storefront, customer, supplier, operator or admin."`
	Supplier []string      `placeholder:"CODE" help:"The supplier that the token speaks for; may be given several times."`
	Customer string        `placeholder:"ID" help:"The customer whose orders the token is for: the shop's own id."`
	Subject  string        `placeholder:"S" help:"Who the token is; left out, it is named after its role."`
	Scope    *string       `placeholder:"\"…\"" help:"Scopes with spaces between; left out, all that the role has."`
	TTL      time.Duration `default:"1h" help:"How long the token is good for."`
}

// Run prints the token, alone, on the standard output.
func (c *tokenCmd) Run(io streams) error {
	key, err := localKey(c.DataDir)
	if err != nil {
		return err
	}
	claims := auth.Claims{
		Issuer: auth.DefaultIssuer, Audience: auth.DefaultAudience, Subject: c.Subject,
		Role: redline.Role(strings.ToUpper(c.Role)), Suppliers: c.Supplier, Customer: c.Customer, TTL: c.TTL,
	}
	if c.Scope != nil {
		claims.Scopes = strings.Fields(*c.Scope)
	}
	if claims.Subject == "" {
		claims.Subject = strings.Join(append([]string{c.Role}, append(c.Supplier, nonEmpty(c.Customer)...)...), ":")
	}
	token, err := key.Issue(claims)
	if err != nil {
		return err
	}
	fmt.Fprintln(io.out, token)
	return nil
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// localKey reads the data directory's signing key, or makes it. Where root runs
// this, the directory lets others pass through: the private Postgres, which
// can't run as root, lives in it. The key itself is for its owner alone.
func localKey(dataDir string) (*auth.SigningKey, error) {
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := os.MkdirAll(dataDir, mode); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	return auth.LoadOrCreateKey(dataDir)
}
