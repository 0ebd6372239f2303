package auth

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/golang-jwt/jwt/v5"

	"redline"
)

// Issuer is somebody whose tokens are taken, and what they may say. Whatever a
// token claims, it can't go beyond what is set here.
type Issuer struct {
	// Name is what iss has to be, to the letter. Without white space. Required.
	Name string
	// Audiences are the names of this gateway at the issuer: aud has to hold one
	// of them. At least one is required.
	Audiences []string
	// Keys are the issuer's, and looked up for its tokens alone. Required.
	Keys KeySet
	// Roles are those that it may give; nil leaves it all of them. A token with
	// another is refused.
	Roles []redline.Role
	// Scopes bound what its tokens may do: others are taken out of what the role
	// has. nil leaves the role its own.
	Scopes []string
	// Suppliers are the codes that it may speak for; nil leaves it all of them. A
	// token with another is refused. Set only with Roles that have no operator and no
	// admin, who name no supplier and act for all.
	Suppliers []string
	// Claims says where its tokens carry what a principal is made of.
	Claims ClaimNames
	// Clients says that the claim client_id names one of the gateway's own OAuth
	// clients: that its tokens are issued by the gateway. Other issuers' clients are
	// theirs, and nothing to a principal.
	Clients bool
}

// ClaimNames says where an issuer's tokens carry what RFC 7519 has no name for.
// Each is the exact name of a member of the payload or, where it begins with a
// slash, an RFC 6901 pointer into it. Left empty it is the claim's own name.
type ClaimNames struct {
	Role      string // default "role": a string
	Scope     string // default "scope": a string with spaces between
	Suppliers string // default "suppliers": an array of strings
	Customer  string // default "customer": a string
	// ScopeIsArray says that the scopes are an array of strings instead.
	ScopeIsArray bool
}

// trusted is an Issuer that was checked and made ready.
type trusted struct {
	Issuer
	paths     claimPaths
	validator *jwt.Validator
}

// claimPaths are where the claims are: names of members and indexes, from the
// payload inwards.
type claimPaths struct {
	role, scope, suppliers, customer []string
	scopeIsArray                     bool
	// clients says that client_id is one of ours.
	clients bool
}

func newTrusted(issuer Issuer, options []jwt.ParserOption) (*trusted, error) {
	if err := checkIssuerName(issuer.Name); err != nil {
		return nil, err
	}
	if err := issuer.check(); err != nil {
		return nil, fmt.Errorf("the issuer %q: %w", issuer.Name, err)
	}
	paths, err := issuer.Claims.paths()
	if err != nil {
		return nil, fmt.Errorf("the issuer %q: %w", issuer.Name, err)
	}
	paths.clients = issuer.Clients
	return &trusted{Issuer: issuer, paths: paths, validator: jwt.NewValidator(append(slices.Clip(options),
		jwt.WithIssuer(issuer.Name), jwt.WithAudience(issuer.Audiences...))...)}, nil
}

func (i Issuer) check() error {
	if i.Keys == nil {
		return errors.New("no key to verify tokens with")
	}
	if len(i.Audiences) == 0 {
		return errors.New("no audience")
	}
	for _, audience := range i.Audiences {
		if err := checkText("the audience", audience); err != nil {
			return err
		}
	}
	return cmp.Or(checkRoles(i.Roles), checkScopes(i.Scopes), checkBoundSuppliers(i.Suppliers), checkBoundRoles(i.Roles, i.Suppliers))
}

// bound holds a principal to what its issuer may say.
func (t *trusted) bound(p *redline.Principal) error {
	if t.Roles != nil && !slices.Contains(t.Roles, p.Role) {
		return errors.New("the issuer may not give this role")
	}
	if t.Suppliers != nil {
		for _, code := range p.Suppliers {
			if !slices.Contains(t.Suppliers, code) {
				return errors.New("the issuer may not speak for this supplier")
			}
		}
	}
	if t.Scopes != nil {
		p.Scopes = slices.DeleteFunc(p.Scopes, func(scope string) bool { return !slices.Contains(t.Scopes, scope) })
	}
	return nil
}

// A list that is there and empty would let nothing in, which nobody means.

func checkRoles(roles []redline.Role) error {
	if roles != nil && len(roles) == 0 {
		return errors.New("no role that it may give")
	}
	for _, role := range roles {
		if !role.Valid() {
			return fmt.Errorf("unknown role %q", role)
		}
	}
	return nil
}

func checkScopes(scopes []string) error {
	if scopes != nil && len(scopes) == 0 {
		return errors.New("no scope that it may give")
	}
	for _, scope := range scopes {
		if !slices.Contains(redline.DefaultScopes(redline.RoleAdmin), scope) {
			return fmt.Errorf("unknown scope %q", scope)
		}
	}
	return nil
}

func checkBoundSuppliers(codes []string) error {
	if codes != nil && len(codes) == 0 {
		return errors.New("no supplier that it may speak for")
	}
	return checkSuppliers(codes)
}

// checkBoundRoles refuses suppliers that would bound nothing: an issuer that may give
// these roles speaks for all of them.
func checkBoundRoles(roles []redline.Role, suppliers []string) error {
	if suppliers != nil && (roles == nil || slices.Contains(roles, redline.RoleOperator) || slices.Contains(roles, redline.RoleAdmin)) {
		return errors.New("suppliers bound no issuer that may give the role operator or admin")
	}
	return nil
}

// checkIssuerName holds for the names of issuers in tokens as well as in
// settings. White space sets the gateway's own names for itself apart
// (redline.System).
func checkIssuerName(name string) error {
	if err := checkText("the issuer", name); err != nil {
		return err
	}
	if strings.ContainsFunc(name, unicode.IsSpace) {
		return errors.New("the issuer has white space in its name")
	}
	return nil
}

func (n ClaimNames) paths() (claimPaths, error) {
	paths := claimPaths{scopeIsArray: n.ScopeIsArray}
	for _, claim := range []struct {
		to        *[]string
		name, own string
	}{
		{&paths.role, n.Role, "role"},
		{&paths.scope, n.Scope, "scope"},
		{&paths.suppliers, n.Suppliers, "suppliers"},
		{&paths.customer, n.Customer, "customer"},
	} {
		path, err := claimPath(cmp.Or(claim.name, claim.own))
		if err != nil {
			return paths, fmt.Errorf("where the claim %s is: %w", claim.own, err)
		}
		*claim.to = path
	}
	return paths, nil
}

// claimPath reads the name of a member or an RFC 6901 pointer.
func claimPath(name string) ([]string, error) {
	if err := checkText("the name", name); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(name, "/") {
		return []string{name}, nil
	}
	steps := strings.Split(name[1:], "/")
	for i, step := range steps {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(step), "~") {
			return nil, errors.New("a pointer has ~0 and ~1 alone (RFC 6901)")
		}
		steps[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
	}
	return steps, nil
}
