package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"redline"
)

// lastNumericDate is the end of year 9999, beyond which no date is meant.
var lastNumericDate = float64(time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC).Unix())

// roleByClaim is every role by how a token writes it.
var roleByClaim = func() map[string]redline.Role {
	roles := make(map[string]redline.Role, len(redline.Roles))
	for _, role := range redline.Roles {
		roles[strings.ToLower(string(role))] = role
	}
	return roles
}()

// tokenClaims is the payload of a token whose signature was verified. A member
// that is absent has its zero value here; one that is present has the right
// type, null being none. Members that Redline doesn't use are ignored.
type tokenClaims struct {
	issuer    string
	subject   string
	audience  jwt.ClaimStrings
	expires   *jwt.NumericDate
	notBefore *jwt.NumericDate
	issuedAt  *jwt.NumericDate
	role      string
	scopes    []string // nil where there is no scope claim
	suppliers []string
	customer  string
	client    string
}

// readPayload decodes a payload, and takes none of it for true.
func readPayload(segment string) (map[string]any, error) {
	text, err := decodeSegment(segment)
	if err != nil {
		return nil, fmt.Errorf("the claims: %w", err)
	}
	members, err := decodeObject(text)
	if err != nil {
		return nil, fmt.Errorf("the claims: %w", err)
	}
	return members, nil
}

func readClaims(payload map[string]any, at claimPaths) (*tokenClaims, error) {
	r := claimReader{payload: payload}
	claims := &tokenClaims{
		issuer:    r.text("iss", "iss"),
		subject:   r.text("sub", "sub"),
		audience:  r.audience(),
		expires:   r.date("exp"),
		notBefore: r.date("nbf"),
		issuedAt:  r.date("iat"),
		role:      r.text("role", at.role...),
		scopes:    r.scopes(at.scopeIsArray, at.scope),
		suppliers: r.texts("suppliers", at.suppliers...),
		customer:  r.text("customer", at.customer...),
	}
	if at.clients {
		claims.client = r.text("client_id", "client_id")
	}
	return claims, r.err
}

// principal is whom the claims speak for, once the registered ones are
// validated.
func (c *tokenClaims) principal() (redline.Principal, error) {
	if c.subject == "" {
		return redline.Principal{}, errors.New("the claim sub is missing")
	}
	role, ok := roleByClaim[c.role]
	if !ok {
		return redline.Principal{}, errors.New("the claim role is missing or unknown")
	}
	principal := redline.Principal{
		Issuer:    c.issuer,
		Subject:   c.subject,
		Role:      role,
		Scopes:    redline.DefaultScopes(role),
		ExpiresAt: c.expires.UTC(),
	}
	if c.scopes != nil {
		// The claim takes away and never gives: what the role has is filtered.
		principal.Scopes = slices.DeleteFunc(principal.Scopes, func(scope string) bool {
			return !slices.Contains(c.scopes, scope)
		})
	}
	switch role {
	case redline.RoleSupplier:
		if len(c.suppliers) == 0 {
			return redline.Principal{}, errors.New("the claim suppliers is missing or empty")
		}
		if err := checkSuppliers(c.suppliers); err != nil {
			return redline.Principal{}, err
		}
		principal.Suppliers = c.suppliers
	case redline.RoleCustomer:
		if c.customer == "" {
			return redline.Principal{}, errors.New("the claim customer is missing")
		}
		principal.Customer = c.customer
	}
	return principal, nil
}

// The methods of jwt.Claims, through which its Validator asks.

func (c *tokenClaims) GetExpirationTime() (*jwt.NumericDate, error) { return c.expires, nil }
func (c *tokenClaims) GetIssuedAt() (*jwt.NumericDate, error)       { return c.issuedAt, nil }
func (c *tokenClaims) GetNotBefore() (*jwt.NumericDate, error)      { return c.notBefore, nil }
func (c *tokenClaims) GetIssuer() (string, error)                   { return c.issuer, nil }
func (c *tokenClaims) GetSubject() (string, error)                  { return c.subject, nil }
func (c *tokenClaims) GetAudience() (jwt.ClaimStrings, error)       { return c.audience, nil }

// claimReader reads claims by type and keeps the first error, which says what a
// claim is called here.
type claimReader struct {
	payload map[string]any
	err     error
}

func (r *claimReader) fail(claim string, err error) {
	if r.err == nil {
		r.err = fmt.Errorf("the claim %s: %w", claim, err)
	}
}

// find follows a path. What it leads past, an absent member or another kind of
// value, is as if the claim were not there.
func (r *claimReader) find(path ...string) (value any, present bool) {
	value = r.payload
	for _, step := range path {
		switch inside := value.(type) {
		case map[string]any:
			if value, present = inside[step]; !present {
				return nil, false
			}
		case []any:
			i, err := strconv.ParseUint(step, 10, 16)
			if err != nil || i >= uint64(len(inside)) || strconv.FormatUint(i, 10) != step {
				return nil, false
			}
			value = inside[i]
		default:
			return nil, false
		}
	}
	return value, true
}

func (r *claimReader) text(claim string, path ...string) string {
	value, present := r.find(path...)
	if !present {
		return ""
	}
	text, err := asText(value)
	if err != nil {
		r.fail(claim, err)
	}
	return text
}

func (r *claimReader) texts(claim string, path ...string) []string {
	value, present := r.find(path...)
	if !present {
		return nil
	}
	elements, ok := value.([]any)
	if !ok {
		r.fail(claim, errors.New("not an array"))
		return nil
	}
	texts := make([]string, 0, len(elements))
	for _, element := range elements {
		text, err := asText(element)
		if err != nil {
			r.fail(claim, err)
			return nil
		}
		texts = append(texts, text)
	}
	return texts
}

// audience is one text or an array of them.
func (r *claimReader) audience() jwt.ClaimStrings {
	if _, one := r.payload["aud"].(string); one {
		return jwt.ClaimStrings{r.text("aud", "aud")}
	}
	return r.texts("aud", "aud")
}

// scopes are nil where there is no such claim, and never otherwise.
func (r *claimReader) scopes(isArray bool, path []string) []string {
	if isArray {
		return r.texts("scope", path...)
	}
	value, present := r.find(path...)
	if !present {
		return nil
	}
	scope, ok := value.(string)
	if !ok {
		r.fail("scope", errors.New("not a string"))
		return nil
	}
	scopes, err := parseScope(scope)
	if err != nil {
		r.fail("scope", err)
	}
	return scopes
}

// date reads seconds since 1970, of which the fraction is dropped.
func (r *claimReader) date(name string) *jwt.NumericDate {
	value, present := r.payload[name]
	if !present {
		return nil
	}
	number, ok := value.(json.Number)
	if !ok {
		r.fail(name, errors.New("not a number"))
		return nil
	}
	seconds, err := number.Float64()
	if err != nil || seconds < 0 || seconds > lastNumericDate {
		r.fail(name, errors.New("not a date"))
		return nil
	}
	return jwt.NewNumericDate(time.Unix(int64(seconds), 0))
}

func asText(value any) (string, error) {
	text, ok := value.(string)
	if !ok {
		return "", errors.New("not a string")
	}
	return text, checkText("it", text)
}
