package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"redline"
	"redline/auth"
)

type clientCmd struct {
	caFlags `embed:""`

	DatabaseURL string `placeholder:"URL" help:"The database to work on, as serve has it. Left out, the gateway at --url does it."`
	URL         string `default:"http://127.0.0.1:8080" help:"The gateway."`
	Token       string `help:"Who asks the gateway, with the scope clients:write. Better given as REDLINE_TOKEN; left out, a token made with the data directory's key."`
	DataDir     string `default:".redline" help:"Where that key is."`
	JSON        bool   `name:"json" help:"Print JSON, as the contract's type Client has it."`

	Create clientCreateCmd `cmd:"" help:"Make a client, and print its id and its secret, which can't be shown again."`
	List   clientListCmd   `cmd:"" help:"List the clients, the newest first."`
	Rotate clientRotateCmd `cmd:"" help:"Give a client another secret, and print it."`
	Revoke clientRevokeCmd `cmd:"" help:"End a client, for good: it gets no tokens any more, and those that it has are refused everywhere."`
}

type (
	clientCreateCmd struct {
		Name       string   `required:"" help:"What the client is, for people."`
		Role       string   `default:"supplier" enum:"storefront,supplier,operator,admin" help:"What kind of user its tokens are: storefront, supplier, operator or admin."`
		Supplier   []string `placeholder:"CODE" help:"The supplier that it speaks for; may be given several times."`
		Scope      *string  `placeholder:"\"…\"" help:"What its tokens may do, with spaces between; left out, all that the role has."`
		SecretOnly bool     `help:"Print the secret alone, for a script; the id goes to the standard error."`
	}
	clientListCmd   struct{}
	clientRotateCmd struct {
		ID         string        `arg:"" help:"The client."`
		Overlap    time.Duration `default:"24h" help:"How long the secret before stays good; 0s: no longer."`
		SecretOnly bool          `help:"Print the secret alone."`
	}
	clientRevokeCmd struct {
		ID string `arg:"" help:"The client."`
	}
)

// shownClient is what is shown of a client: the contract's fields, and its secret where it
// was just made.
type shownClient struct {
	ID         string                  `json:"id"`
	Name       string                  `json:"name"`
	Role       redline.Role            `json:"role"`
	Suppliers  []shownSupplier         `json:"suppliers"`
	Scopes     []string                `json:"scopes"`
	Secrets    []*redline.ClientSecret `json:"secrets"`
	CreatedAt  time.Time               `json:"createdAt"`
	CreatedBy  string                  `json:"createdBy"`
	RevokedAt  *time.Time              `json:"revokedAt"`
	LastUsedAt *time.Time              `json:"lastUsedAt"`
	Version    int                     `json:"version"`
	Secret     string                  `json:"secret,omitempty"`
}

type shownSupplier struct {
	Code string `json:"code"`
}

// clientKeeper changes clients, by whichever way.
type clientKeeper interface {
	create(ctx context.Context, in redline.ClientCreateInput) (*shownClient, error)
	rotate(ctx context.Context, in redline.ClientRotateSecretInput) (*shownClient, error)
	revoke(ctx context.Context, in redline.ClientRevokeInput) (*shownClient, error)
	list(ctx context.Context) ([]*shownClient, error)
}

// keep does something by the way that the flags name.
func (c *clientCmd) keep(ctx context.Context, io streams, do func(clientKeeper) error) error {
	if c.DatabaseURL != "" {
		return inDatabase(ctx, c.DatabaseURL, io, do)
	}
	token := c.Token
	if token == "" {
		key, err := localKey(c.DataDir)
		if err != nil {
			return err
		}
		if token, err = key.Issue(auth.Claims{Subject: "redline client", Role: redline.RoleAdmin, TTL: 5 * time.Minute}); err != nil {
			return err
		}
	}
	transport, err := c.transport()
	if err != nil {
		return err
	}
	g, err := newGateway(c.URL, token, transport, io)
	if err != nil {
		return err
	}
	return do(atGateway{g})
}

// Run makes a client.
func (r *clientCreateCmd) Run(ctx context.Context, io streams, c *cli) error {
	in := redline.ClientCreateInput{
		IdempotencyKey: rand.Text(), Name: r.Name, Role: redline.Role(strings.ToUpper(r.Role)), SupplierCodes: r.Supplier,
	}
	if r.Scope != nil {
		in.Scopes = strings.Fields(*r.Scope)
	}
	return c.Client.keep(ctx, io, func(k clientKeeper) error {
		made, err := k.create(ctx, in)
		if err != nil {
			return fmt.Errorf("making the client: %w", err)
		}
		return c.Client.printSecret(io, made, r.SecretOnly)
	})
}

// Run gives a client another secret.
func (r *clientRotateCmd) Run(ctx context.Context, io streams, c *cli) error {
	in := redline.ClientRotateSecretInput{IdempotencyKey: rand.Text(), ClientID: r.ID, OverlapSeconds: int(r.Overlap.Seconds())}
	return c.Client.keep(ctx, io, func(k clientKeeper) error {
		rotated, err := k.rotate(ctx, in)
		if err != nil {
			return fmt.Errorf("rotating the secret: %w", err)
		}
		return c.Client.printSecret(io, rotated, r.SecretOnly)
	})
}

// Run ends a client.
func (r *clientRevokeCmd) Run(ctx context.Context, io streams, c *cli) error {
	return c.Client.keep(ctx, io, func(k clientKeeper) error {
		revoked, err := k.revoke(ctx, redline.ClientRevokeInput{ClientID: r.ID})
		switch {
		case err != nil:
			return fmt.Errorf("revoking the client: %w", err)
		case c.Client.JSON:
			return printJSON(io, revoked)
		}
		fmt.Fprintf(io.out, "revoked %s (%s)\n", revoked.ID, revoked.Name)
		return nil
	})
}

// Run lists the clients.
func (*clientListCmd) Run(ctx context.Context, io streams, c *cli) error {
	return c.Client.keep(ctx, io, func(k clientKeeper) error {
		all, err := k.list(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("listing the clients: %w", err)
		case c.Client.JSON:
			return printJSON(io, all)
		}
		w := tabwriter.NewWriter(io.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tNAME\tROLE\tSUPPLIERS\tMADE\tLAST USED\tREVOKED")
		for _, s := range all {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.Name, s.Role, s.suppliers(), minute(&s.CreatedAt), minute(s.LastUsedAt), minute(s.RevokedAt))
		}
		return w.Flush()
	})
}

func (s *shownClient) suppliers() string {
	codes := make([]string, len(s.Suppliers))
	for i, v := range s.Suppliers {
		codes[i] = v.Code
	}
	return strings.Join(codes, " ")
}

// minute writes a time for a table.
func minute(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}

// printSecret prints a client with the secret that it has just got.
func (c *clientCmd) printSecret(io streams, s *shownClient, only bool) error {
	switch {
	case s.Secret == "":
		return fmt.Errorf("the answer to the first try was lost, and with it the secret: redline client rotate %s --overlap 0s", s.ID)
	case only:
		fmt.Fprintln(io.err, s.ID)
		fmt.Fprintln(io.out, s.Secret)
		return nil
	case c.JSON:
		return printJSON(io, s)
	}
	w := tabwriter.NewWriter(io.out, 0, 4, 2, ' ', 0)
	for _, row := range [][2]string{
		{"client", s.ID}, {"name", s.Name}, {"role", string(s.Role)}, {"suppliers", s.suppliers()}, {"scopes", strings.Join(s.Scopes, " ")}, {"secret", s.Secret},
	} {
		if row[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
		}
	}
	for _, k := range s.Secrets {
		if k.ExpiresAt != nil {
			fmt.Fprintf(w, "before\tthe secret before is good until %s\n", minute(k.ExpiresAt))
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("printing the client: %w", err)
	}
	fmt.Fprintf(io.out, "\nThe secret can't be shown again. With it in SECRET this gets a token:\n  curl -u %s:\"$SECRET\" -d grant_type=client_credentials %s/oauth/token\n",
		s.ID, strings.TrimSuffix(c.URL, "/"))
	return nil
}

func printJSON(io streams, v any) error {
	e := json.NewEncoder(io.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// atGateway has a gateway do it.
type atGateway struct{ *gatewayClient }

// clientFields are what is asked of a client.
const clientFields = ` id name role suppliers { code } scopes secrets { createdAt expiresAt } createdAt createdBy revokedAt lastUsedAt version `

func (g atGateway) create(ctx context.Context, in redline.ClientCreateInput) (*shownClient, error) {
	return g.change(ctx, "clientCreate", map[string]any{
		"idempotencyKey": in.IdempotencyKey, "name": in.Name, "role": in.Role, "supplierCodes": in.SupplierCodes, "scopes": in.Scopes,
	})
}

func (g atGateway) rotate(ctx context.Context, in redline.ClientRotateSecretInput) (*shownClient, error) {
	return g.change(ctx, "clientRotateSecret", map[string]any{
		"idempotencyKey": in.IdempotencyKey, "clientId": in.ClientID, "overlapSeconds": in.OverlapSeconds,
	})
}

func (g atGateway) revoke(ctx context.Context, in redline.ClientRevokeInput) (*shownClient, error) {
	return g.change(ctx, "clientRevoke", map[string]any{"clientId": in.ClientID})
}

// change runs one of the contract's mutations of clients.
func (g atGateway) change(ctx context.Context, name string, input map[string]any) (*shownClient, error) {
	query := fmt.Sprintf(`mutation($input: %sInput!) { %s(input: $input) { client {%s} secret userErrors { code message field } } }`,
		strings.ToUpper(name[:1])+name[1:], name, clientFields)
	type payload struct {
		Client     *shownClient
		Secret     string
		UserErrors []userError
	}
	return persevere(ctx, g.gatewayClient, func(ctx context.Context) (*shownClient, error) {
		var answer map[string]*payload
		if err := g.ask(ctx, query, map[string]any{"input": input}, &answer); err != nil {
			return nil, err
		}
		p := answer[name]
		switch {
		case p != nil && len(p.UserErrors) > 0:
			e := p.UserErrors[0]
			if e.Code == redline.CodeIdempotencyInProgress {
				return nil, &passing{message: e.Message}
			}
			return nil, redline.Errorf(e.Code, e.Field, "%s", e.Message)
		case p == nil || p.Client == nil:
			return nil, errors.New("the gateway's answer says nothing of it")
		}
		p.Client.Secret = p.Secret
		return p.Client, nil
	})
}

func (g atGateway) list(ctx context.Context) ([]*shownClient, error) {
	const query = `query($after: String) { clients(first: 250, after: $after) { nodes {` + clientFields + `} pageInfo { hasNextPage endCursor } } }`
	type answer struct {
		Clients struct {
			Nodes    []*shownClient
			PageInfo struct {
				HasNextPage bool
				EndCursor   *string
			}
		}
	}
	all := []*shownClient{}
	for after := (*string)(nil); ; {
		page, err := persevere(ctx, g.gatewayClient, func(ctx context.Context) (a answer, err error) {
			return a, g.ask(ctx, query, map[string]any{"after": after}, &a)
		})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Clients.Nodes...)
		if !page.Clients.PageInfo.HasNextPage {
			return all, nil
		}
		after = page.Clients.PageInfo.EndCursor
	}
}
