package auth

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"redline"
)

// maxIssuers is how many a file may list.
const maxIssuers = 1000

// IssuerSettings is one issuer as a file describes it. At most one of JWKSURL,
// PublicKeysFile and SecretFile is set; with none of them the issuer tells
// itself where its keys are (JWKSOptions.Issuer).
type IssuerSettings struct {
	// Issuer has all but the keys.
	Issuer
	JWKSURL        string
	PublicKeysFile string
	SecretFile     string
}

// ParseIssuers reads a JSON array of issuers, each an object with these members:
//
//	issuer          the name, to the letter
//	audience        a name of this gateway at the issuer, or an array of them
//	roles           those that it may give, in lower case
//	scopes          optional: all that its tokens may do
//	suppliers       optional: the codes that it may speak for; not where it may
//	                give the role operator or admin
//	jwksUrl         where its keys are
//	publicKeysFile  or a PEM file that has them
//	secretFile      or a file with a secret for HS256
//	claims          optional: role, scope, suppliers, customer: where its
//	                tokens have them; scopeIsArray
//
// Everything that is wrong is told at once, with the path of the member that it
// is about, beside what could be read of each issuer. No two may have one name, and
// none that of the gateway's own.
func ParseIssuers(text []byte, own string) ([]IssuerSettings, error) {
	document, err := decodeJSON(text)
	if err != nil {
		return nil, err
	}
	elements, ok := document.([]any)
	if !ok {
		return nil, errors.New("not an array of issuers")
	}
	if len(elements) == 0 || len(elements) > maxIssuers {
		return nil, fmt.Errorf("%d issuers; it has to be between 1 and %d", len(elements), maxIssuers)
	}
	var r settingsReader
	issuers := make([]IssuerSettings, 0, len(elements))
	first := map[string]int{}
	for i, element := range elements {
		path := fmt.Sprintf("[%d]", i)
		issuer := r.issuer(path, element)
		if at, twice := first[issuer.Name]; twice && issuer.Name != "" {
			r.fault(path+".issuer", fmt.Errorf("[%d] has the same", at))
		} else if issuer.Name == own {
			r.fault(path+".issuer", errors.New("that is the gateway's own name"))
		}
		first[issuer.Name] = i
		issuers = append(issuers, issuer)
	}
	return issuers, errors.Join(r.faults...)
}

// settingsReader reads members by type and keeps all faults.
type settingsReader struct{ faults []error }

func (r *settingsReader) fault(path string, err error) {
	if err != nil {
		r.faults = append(r.faults, fmt.Errorf("%s: %w", path, err))
	}
}

func (r *settingsReader) issuer(path string, element any) IssuerSettings {
	o := r.object(path, element, "issuer", "audience", "roles", "scopes", "suppliers", "jwksUrl", "publicKeysFile", "secretFile", "claims")
	if o.members == nil {
		return IssuerSettings{}
	}
	issuer := IssuerSettings{
		Issuer: Issuer{
			Name: o.text("issuer"), Audiences: o.textOrTexts("audience"), Roles: o.roles("roles"),
			Scopes: o.texts("scopes"), Suppliers: o.texts("suppliers"), Claims: o.claims(),
		},
		JWKSURL: o.text("jwksUrl"), PublicKeysFile: o.text("publicKeysFile"), SecretFile: o.text("secretFile"),
	}
	for _, name := range []string{"issuer", "audience", "roles"} {
		if _, present := o.members[name]; !present {
			r.fault(path+"."+name, errors.New("it is required"))
		}
	}
	if issuer.Name != "" {
		r.fault(path+".issuer", checkIssuerName(issuer.Name))
	}
	for i, audience := range issuer.Audiences {
		r.fault(fmt.Sprintf("%s.audience[%d]", path, i), checkText("it", audience))
	}
	r.fault(path+".scopes", checkScopes(issuer.Scopes))
	r.fault(path+".suppliers", checkBoundSuppliers(issuer.Suppliers))
	if issuer.Roles != nil { // else there is a fault already
		r.fault(path+".suppliers", checkBoundRoles(issuer.Roles, issuer.Suppliers))
	}
	r.keys(path, issuer)
	return issuer
}

// keys checks that an issuer's keys come from one place.
func (r *settingsReader) keys(path string, issuer IssuerSettings) {
	if issuer.JWKSURL != "" {
		r.fault(path+".jwksUrl", CheckJWKSURL(issuer.JWKSURL))
	}
	from := slices.DeleteFunc([]string{issuer.JWKSURL, issuer.PublicKeysFile, issuer.SecretFile}, func(s string) bool { return s == "" })
	switch {
	case len(from) > 1:
		r.fault(path, errors.New("jwksUrl, publicKeysFile and secretFile don't go together"))
	case len(from) == 0 && issuer.Name != "":
		if CheckJWKSURL(issuer.Name) != nil {
			r.fault(path, errors.New("it has none of jwksUrl, publicKeysFile and secretFile, and its name is not a URL that could tell its keys"))
		}
	}
}

func (o settingsObject) claims() ClaimNames {
	value, present := o.members["claims"]
	if !present {
		return ClaimNames{}
	}
	r, path := o.reader, o.path+".claims"
	o = r.object(path, value, "role", "scope", "suppliers", "customer", "scopeIsArray")
	names := ClaimNames{Role: o.text("role"), Scope: o.text("scope"), Suppliers: o.text("suppliers"), Customer: o.text("customer")}
	if isArray, present := o.members["scopeIsArray"]; present {
		var ok bool
		if names.ScopeIsArray, ok = isArray.(bool); !ok {
			r.fault(path+".scopeIsArray", errors.New("it has to be true or false"))
		}
	}
	_, err := names.paths()
	r.fault(path, err)
	return names
}

// settingsObject is an object of the file, and where it stands.
type settingsObject struct {
	reader  *settingsReader
	path    string
	members map[string]any
}

func (r *settingsReader) object(path string, value any, known ...string) settingsObject {
	members, ok := value.(map[string]any)
	if !ok {
		r.fault(path, errors.New("it has to be an object"))
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains(known, name) {
			r.fault(path, fmt.Errorf("unknown member %q; there are %s", name, strings.Join(known, ", ")))
		}
	}
	return settingsObject{r, path, members}
}

func (o settingsObject) fault(name, reason string) {
	o.reader.fault(o.path+"."+name, errors.New(reason))
}

func (o settingsObject) text(name string) string {
	value, present := o.members[name]
	text, _ := value.(string)
	if present && text == "" {
		o.fault(name, "it has to be a string that isn't empty")
	}
	return text
}

func (o settingsObject) textOrTexts(name string) []string {
	if text, one := o.members[name].(string); one && text != "" {
		return []string{text}
	}
	texts := o.texts(name)
	if texts != nil && len(texts) == 0 {
		o.fault(name, "it is empty")
	}
	return texts
}

func (o settingsObject) texts(name string) []string {
	value, present := o.members[name]
	if !present {
		return nil
	}
	elements, ok := value.([]any)
	if !ok {
		o.fault(name, "it has to be an array of strings")
		return nil
	}
	texts := make([]string, 0, len(elements))
	for i, element := range elements {
		text, _ := element.(string)
		if text == "" {
			o.fault(fmt.Sprintf("%s[%d]", name, i), "it has to be a string that isn't empty")
			continue
		}
		texts = append(texts, text)
	}
	return texts
}

func (o settingsObject) roles(name string) []redline.Role {
	var roles []redline.Role
	texts := o.texts(name)
	if texts != nil && len(texts) == 0 {
		o.fault(name, "no role that it may give")
	}
	for i, text := range texts {
		role, ok := roleByClaim[text]
		if !ok {
			o.fault(fmt.Sprintf("%s[%d]", name, i), fmt.Sprintf("unknown role %q; there are storefront, customer, supplier, operator, admin", text))
			continue
		}
		roles = append(roles, role)
	}
	return roles
}
