package redline

import (
	"slices"
	"time"
)

// MaxClientTokenTTL is the longest that a token of an OAuth client is good for: so
// long a client that was revoked has to be remembered.
const MaxClientTokenTTL = 24 * time.Hour

// Client is a program that gets tokens of its own with an id and a secret (RFC 6749
// §4.4): a supplier's ERP, a partner's shop.
type Client struct {
	ID   string
	Name string
	// Role is that of its tokens: any but CUSTOMER, whose tokens are each for one
	// person.
	Role Role
	// SupplierIDs are the suppliers that its tokens speak for: one or more with the
	// role SUPPLIER, none with any other.
	SupplierIDs []string `db:"-"`
	// Scopes are what its tokens may do at most: what it was given, or all of its role.
	Scopes []string `db:"-"`
	// Secrets are those that are good, the newest first: two at most, none of a
	// client that is revoked.
	Secrets   []*ClientSecret `db:"-"`
	CreatedAt time.Time       `db:"created_at"`
	// CreatedBy is the subject of whoever made it.
	CreatedBy string     `db:"created_by"`
	RevokedAt *time.Time `db:"revoked_at"`
	// LastUsedAt is when it last got a token, to the minute; nil if it never did.
	LastUsedAt *time.Time `db:"last_used_at"`
	Version    int

	Suppliers []*Supplier `db:"-"`
}

// IsNode marks a Client as a Node.
func (*Client) IsNode() {}

// ClientSecret is what is known of a secret once it was shown: how long it is good.
type ClientSecret struct {
	CreatedAt time.Time `json:"createdAt"`
	// ExpiresAt is nil of one that is good until another takes its place.
	ExpiresAt *time.Time `json:"expiresAt"`
}

// ClientGrant is what the tokens of a client say, which has proved who it is.
type ClientGrant struct {
	ClientID string
	Role     Role
	// Scopes are the most that a token may have.
	Scopes []string
	// Suppliers are codes.
	Suppliers []string
}

// ClientScopes are what a client of a role may do that was given these scopes; nil
// stands for all that the role has. What the role hasn't is left out.
func ClientScopes(role Role, given []string) []string {
	all := DefaultScopes(role)
	if given == nil {
		return all
	}
	return slices.DeleteFunc(all, func(scope string) bool { return !slices.Contains(given, scope) })
}

// ClientFilter narrows a list of clients; nil members don't.
type ClientFilter struct {
	SupplierID *string
}

// ClientCreateInput makes a client. Scopes that are left out are all of the role's.
type ClientCreateInput struct {
	IdempotencyKey string   `json:"-"`
	Name           string   `json:"name"`
	Role           Role     `json:"role"`
	SupplierCodes  []string `json:"supplierCodes,omitempty"`
	Scopes         []string `json:"scopes"`
}

// ClientRotateSecretInput gives a client another secret. The one that it had stays
// good for so long.
type ClientRotateSecretInput struct {
	IdempotencyKey  string `json:"-"`
	ClientID        string `json:"clientId"`
	OverlapSeconds  int    `json:"overlapSeconds"`
	ExpectedVersion *int   `json:"expectedVersion,omitempty"`
}

// ClientRevokeInput ends a client, with all tokens that it has.
type ClientRevokeInput struct {
	IdempotencyKey  *string `json:"-"`
	ClientID        string  `json:"clientId"`
	ExpectedVersion *int    `json:"expectedVersion,omitempty"`
}
