package redline

import (
	"slices"
	"time"
)

// Role says what kind of user a token speaks for. It decides the default
// scopes and, in the repositories, whose rows are visible.
type Role string

// The roles, as the contract names them. Tokens carry them in lower case.
const (
	RoleStorefront Role = "STOREFRONT"
	RoleCustomer   Role = "CUSTOMER"
	RoleSupplier   Role = "SUPPLIER"
	RoleOperator   Role = "OPERATOR"
	RoleAdmin      Role = "ADMIN"
)

// Roles lists every role, least first.
var Roles = []Role{RoleStorefront, RoleCustomer, RoleSupplier, RoleOperator, RoleAdmin}

// The scopes. A scope says what may be done; whose rows it may be done to is
// the repositories' business.
const (
	ScopeInventoryRead     = "inventory:read"
	ScopeInventoryWrite    = "inventory:write"
	ScopeOrdersRead        = "orders:read"
	ScopeOrdersWrite       = "orders:write"
	ScopeOrdersManage      = "orders:manage"
	ScopeFulfillmentsWrite = "fulfillments:write"
	ScopeCatalogOwn        = "catalog:own"
	ScopeCatalogCost       = "catalog:cost"
	ScopeCatalogWrite      = "catalog:write"
	ScopeConflictsRead     = "conflicts:read"
	ScopeConflictsWrite    = "conflicts:write"
	ScopeAuditRead         = "audit:read"
	ScopeClientsRead       = "clients:read"
	ScopeClientsWrite      = "clients:write"
	ScopeSchemaRead        = "schema:read"
	ScopePulseRead         = "pulse:read"
)

// scopesByRole is what a role may do unless its token narrows it.
var scopesByRole = map[Role][]string{
	RoleStorefront: {ScopeOrdersRead, ScopeOrdersWrite},
	RoleCustomer:   {ScopeOrdersRead, ScopeOrdersWrite},
	RoleSupplier: {
		ScopeInventoryRead, ScopeInventoryWrite, ScopeOrdersRead, ScopeFulfillmentsWrite,
		ScopeCatalogOwn, ScopeCatalogCost, ScopeConflictsRead,
	},
	RoleOperator: operatorScopes,
	// Who can make clients can make itself one that stays, and so an operator can't.
	RoleAdmin: append(slices.Clone(operatorScopes), ScopeClientsRead, ScopeClientsWrite),
}

var operatorScopes = []string{
	ScopeInventoryRead, ScopeInventoryWrite, ScopeOrdersRead, ScopeOrdersWrite, ScopeOrdersManage,
	ScopeFulfillmentsWrite, ScopeCatalogOwn, ScopeCatalogCost, ScopeCatalogWrite,
	ScopeConflictsRead, ScopeConflictsWrite, ScopeAuditRead, ScopeSchemaRead, ScopePulseRead,
}

// DefaultScopes returns the scopes of a role whose token names none. The
// result is the caller's own copy.
func DefaultScopes(r Role) []string { return slices.Clone(scopesByRole[r]) }

// Valid reports whether r is one of the five roles.
func (r Role) Valid() bool { return slices.Contains(Roles, r) }

// Principal is who is asking: the verified content of a token, or the
// anonymous storefront. It is a value; nothing in it is changed after it was
// made. Every repository method takes one and lets it see only its own rows.
type Principal struct {
	// Issuer and Subject identify the owner of what this principal makes.
	// Both are empty for the anonymous storefront, and never otherwise.
	Issuer  string
	Subject string
	Role    Role
	// Scopes are what it may do. They match exactly.
	Scopes []string
	// Suppliers are the codes of the suppliers that it speaks for. Only the
	// role SUPPLIER has any.
	Suppliers []string
	// Customer is the shop's own customer id. Only the role CUSTOMER has one.
	Customer string
	// ClientID is the OAuth client that the token was given to at /oauth/token, ""
	// where another issuer made it.
	ClientID string
	// ExpiresAt is when the token ends; zero for the anonymous storefront.
	ExpiresAt time.Time
}

// Anonymous is the principal of a request without a token: a storefront's
// page, which may see products, availability, locations and suppliers' names.
func Anonymous() Principal { return Principal{Role: RoleStorefront} }

// System is who acts where nobody asked: what expires, is swept or is filled by
// rule. No token can be its, since issuers have names without spaces in them.
func System() Principal {
	return Principal{Issuer: "redline system", Subject: "redline", Role: RoleAdmin, Scopes: DefaultScopes(RoleAdmin)}
}

// Authenticated reports whether a token stands behind the principal.
func (p Principal) Authenticated() bool { return p.Subject != "" }

// Has reports whether the principal holds any one of the scopes.
func (p Principal) Has(anyOf ...string) bool {
	for _, s := range anyOf {
		if slices.Contains(p.Scopes, s) {
			return true
		}
	}
	return false
}

// Everywhere reports whether the principal works on everybody's rows.
func (p Principal) Everywhere() bool { return p.Role == RoleOperator || p.Role == RoleAdmin }

// SpeaksFor reports whether the principal may act for the supplier with this
// code. Operators and admins may act for all of them.
func (p Principal) SpeaksFor(supplierCode string) bool {
	return p.Everywhere() || p.Role == RoleSupplier && slices.Contains(p.Suppliers, supplierCode)
}
