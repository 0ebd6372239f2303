package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"redline"
	"redline/auth"
	"redline/demo"
)

// demoCustomer is the customer whose token the demo prints.
const demoCustomer = "ALFKI"

// demoTTL is how long the demo's tokens are good for.
const demoTTL = 12 * time.Hour

// demoUser is somebody as whom the demo may be used.
type demoUser struct {
	id string
	// title is for people to read.
	title  string
	claims auth.Claims
	// query is something to try with the token; "" where others have it.
	query string
}

// demoRoster are all of them.
type demoRoster []demoUser

// demoUsers are those who run the shop, its suppliers, the shop itself and one of its
// customers.
func demoUsers() (demoRoster, error) {
	data, err := demo.Load()
	if err != nil {
		return nil, fmt.Errorf("reading the demo data: %w", err)
	}
	users := demoRoster{
		{
			id: "operator", title: "Operator", claims: auth.Claims{Role: redline.RoleOperator, Subject: "operator"},
			query: `{ fulfillmentOrders(first: 3) { nodes { id status order { number } } } }`,
		},
		{
			id: "admin", title: "Administrator", claims: auth.Claims{Role: redline.RoleAdmin, Subject: "admin"},
			query: `{ auditEntries(first: 3) { nodes { at actor action outcome } } }`,
		},
	}
	for _, s := range data.Suppliers {
		id := "supplier:" + s.Code
		user := demoUser{id: id, title: s.Name, claims: auth.Claims{Role: redline.RoleSupplier, Subject: id, Suppliers: []string{s.Code}}}
		if s.Code == demoSupplier {
			user.query = `{ inventoryLevels(first: 3) { nodes { product { sku name } onHand available } } }`
		}
		users = append(users, user)
	}
	users = append(users, demoUser{
		id: "storefront", title: "Northwind Traders' shop", claims: auth.Claims{Role: redline.RoleStorefront, Subject: demoShop},
		query: `{ orders(first: 3) { nodes { number status total { amount currency } } } }`,
	})
	for _, c := range data.Customers {
		if c.ID == demoCustomer {
			id := "customer:" + c.ID
			users = append(users, demoUser{
				id: id, title: c.Name, claims: auth.Claims{Role: redline.RoleCustomer, Subject: id, Customer: c.ID},
				query: `{ orders(first: 3) { nodes { number status } } }`,
			})
		}
	}
	return users, nil
}

// token issues a token for one of them.
func (u demoRoster) token(id string, keys *keyring) (string, error) {
	i := slices.IndexFunc(u, func(user demoUser) bool { return user.id == id })
	if i < 0 {
		return "", fmt.Errorf("there is nobody with the id %q in the demo", id)
	}
	claims := u[i].claims
	claims.Issuer, claims.Audience, claims.TTL = auth.DefaultIssuer, auth.DefaultAudience, demoTTL
	token, err := keys.local.Issue(claims)
	if err != nil {
		return "", fmt.Errorf("issuing the demo's tokens: %w", err)
	}
	return token, nil
}

// printDemo prints, for each role, a token and a command to try with it, and where the
// pages are.
func (c *serveCmd) printDemo(io streams, gateway string, users demoRoster, keys *keyring) error {
	url := gateway + "/graphql"
	if keys.local == nil {
		fmt.Fprintf(io.out, "\nThe demo's data is there. Tokens come from your own issuer; ask %s with them.\n", url)
		return nil
	}
	for _, user := range users {
		if user.query == "" {
			continue
		}
		token, err := users.token(user.id, keys)
		if err != nil {
			return err
		}
		name := strings.ToUpper(string(user.claims.Role))
		fmt.Fprintf(io.out, "\n# %s\n%s=%s\ncurl -s %s -H \"Authorization: Bearer $%s\" -H 'Content-Type: application/json' \\\n  -d '{\"query\":\"%s\"}'\n",
			strings.ToLower(name), name, token, url, name, user.query)
	}
	fmt.Fprintf(io.out, "\n# live, as a storefront's page sees it\nbin/redline watch availability --url %s\n", gateway)
	if c.Dashboard {
		fmt.Fprintf(io.out, "\n# live, as a dashboard: sign in by choosing a role\n%s/\n", gateway)
	}
	if c.explorer(c.modeFlags) {
		fmt.Fprintf(io.out, "\n# the API, to try out in a browser\n%s/explorer\n", gateway)
	}
	fmt.Fprintln(io.out)
	return nil
}
