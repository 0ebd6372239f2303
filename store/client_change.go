package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/lib/pq"

	"redline"
)

const (
	// clientSuppliersMax is how many suppliers one client may speak for: its tokens name
	// all of them.
	clientSuppliersMax = 50
	// overlapMax is the longest that a secret stays good beside the next, in seconds: 30 days.
	overlapMax = 30 * 24 * 60 * 60
)

// ClientCreate makes an OAuth client and its first secret, which is in the outcome: it
// is shown this once, and kept nowhere. It returns the client's id.
//
// Nobody gives a client a scope that they don't hold themselves.
func (s *Store) ClientCreate(ctx context.Context, p redline.Principal, in redline.ClientCreateInput) (string, redline.Outcome, error) {
	r := request{action: "clientCreate", key: &in.IdempotencyKey, input: in}
	return s.giveSecret(ctx, p, r, func(ctx context.Context, m *mutation, hash []byte) (string, error) {
		if refused := checkClient(in); len(refused) > 0 {
			return "", refused
		}
		if err := m.holds(redline.ClientScopes(in.Role, in.Scopes), []string{"scopes"}); err != nil {
			return "", err
		}
		suppliers, err := m.suppliersByCode(ctx, in.SupplierCodes)
		if err != nil {
			return "", err
		}
		id := redline.NewID(redline.PrefixClient)
		_, err = m.tx.ExecContext(ctx, `/* clients.insert */ WITH made AS (
				INSERT INTO clients (id, name, role, scopes, created_at, created_by, version) VALUES ($1, $2, $3, $4, clock_timestamp(), $5, 1)
			), spoken AS (
				INSERT INTO client_suppliers (client_id, supplier_id) SELECT $1, s FROM unnest($6::text[]) AS s
			)
			INSERT INTO client_secrets (hash, client_id, created_at) VALUES ($7, $1, clock_timestamp())`,
			id, in.Name, string(in.Role), pq.Array(in.Scopes), m.by.Subject, pq.Array(suppliers), hash)
		if err != nil {
			return "", dbError("inserting a client", err)
		}
		m.subjects = append(m.subjects, id)
		return id, nil
	})
}

// ClientRotateSecret gives a client another secret, which is in the outcome as that of
// ClientCreate is. The one that it had is good for so long still, at once for 0 no more;
// one before that ends in any case. It returns the client's id.
//
// The tokens that the client has stay good: it is the same client. And since who rotates a
// secret has the new one, that is for those alone who hold all that the client may do.
func (s *Store) ClientRotateSecret(ctx context.Context, p redline.Principal, in redline.ClientRotateSecretInput) (string, redline.Outcome, error) {
	r := request{action: "clientRotateSecret", key: &in.IdempotencyKey, input: in, subject: in.ClientID}
	return s.giveSecret(ctx, p, r, func(ctx context.Context, m *mutation, hash []byte) (string, error) {
		if in.OverlapSeconds < 0 || in.OverlapSeconds > overlapMax {
			return "", redline.Invalid([]string{"overlapSeconds"}, "the secret before is good for 0 to %d seconds more, not %d", overlapMax, in.OverlapSeconds)
		}
		c, err := m.lockClient(ctx, in.ClientID, in.ExpectedVersion)
		if err != nil {
			return "", err
		}
		if c.RevokedAt != nil {
			return "", redline.Invalid([]string{"clientId"}, "the client is revoked, for good")
		}
		if err := m.holds(c.Scopes, []string{"clientId"}); err != nil {
			return "", err
		}
		for _, write := range []struct {
			text string
			args []any
		}{
			{`/* client_secrets.delete_old */ DELETE FROM client_secrets WHERE client_id = $1 AND (expires_at IS NOT NULL OR $2 = 0)`, []any{c.ID, in.OverlapSeconds}},
			{`/* client_secrets.expire */ UPDATE client_secrets SET expires_at = clock_timestamp() + make_interval(secs => $2) WHERE client_id = $1`, []any{c.ID, in.OverlapSeconds}},
			{`/* client_secrets.insert */ INSERT INTO client_secrets (hash, client_id, created_at) VALUES ($2, $1, clock_timestamp())`, []any{c.ID, hash}},
			{`/* clients.touch */ UPDATE clients SET version = version + 1 WHERE id = $1`, []any{c.ID}},
		} {
			if _, err := m.tx.ExecContext(ctx, write.text, write.args...); err != nil {
				return "", dbError("writing a client's secrets", err)
			}
		}
		return c.ID, nil
	})
}

// ClientRevoke ends a client: it gets no token any more, its secrets are forgotten, and
// the tokens that it has are refused: by this gateway before it returns, and by the others
// as soon as they have read so. To revoke it again changes nothing. It returns the
// client's id.
func (s *Store) ClientRevoke(ctx context.Context, p redline.Principal, in redline.ClientRevokeInput) (string, redline.Outcome, error) {
	r := request{action: "clientRevoke", key: in.IdempotencyKey, input: in, subject: in.ClientID}
	id, done, err := mutate(ctx, s, p, r, func(ctx context.Context, m *mutation) (string, error) {
		c, err := m.lockClient(ctx, in.ClientID, in.ExpectedVersion)
		if err != nil || c.RevokedAt != nil {
			return in.ClientID, err
		}
		for _, text := range []string{
			`/* client_secrets.delete_all */ DELETE FROM client_secrets WHERE client_id = $1`,
			`/* clients.revoke */ UPDATE clients SET revoked_at = clock_timestamp(), version = version + 1 WHERE id = $1`,
		} {
			if _, err := m.tx.ExecContext(ctx, text, c.ID); err != nil {
				return "", dbError("revoking a client", err)
			}
		}
		return c.ID, nil
	})
	if err == nil {
		s.remember(id)
		s.hasRevoked()
	}
	return id, done, err
}

// giveSecret is mutate for what gives a client a secret. Of the secret nothing is
// written but the hash: what the key keeps is the client's id.
func (s *Store) giveSecret(
	ctx context.Context, p redline.Principal, r request, change func(ctx context.Context, m *mutation, hash []byte) (string, error),
) (string, redline.Outcome, error) {
	secret, hash, err := newSecret()
	if err != nil {
		return "", redline.Outcome{}, err
	}
	id, done, err := mutate(ctx, s, p, r, func(ctx context.Context, m *mutation) (string, error) { return change(ctx, m, hash) })
	if err == nil && !done.Replayed {
		done.Secret = secret
	}
	return id, done, err
}

// checkClient checks what needs no database.
func checkClient(in redline.ClientCreateInput) redline.Errors {
	refused := checkTexts(map[string]*string{"name": &in.Name})
	if strings.ContainsFunc(in.Name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		refused = append(refused, redline.Invalid([]string{"name"}, "a name is printable text"))
	}
	if !in.Role.Valid() || in.Role == redline.RoleCustomer {
		return append(refused, redline.Invalid([]string{"role"}, "a client is of the role STOREFRONT, SUPPLIER, OPERATOR or ADMIN"))
	}
	field := []string{"supplierCodes"}
	switch supplier := in.Role == redline.RoleSupplier; {
	case supplier && len(in.SupplierCodes) == 0:
		refused = append(refused, redline.Invalid(field, "a client of the role SUPPLIER speaks for one supplier or more"))
	case !supplier && len(in.SupplierCodes) > 0:
		refused = append(refused, redline.Invalid(field, "only a client of the role SUPPLIER speaks for suppliers"))
	case len(in.SupplierCodes) > clientSuppliersMax:
		refused = append(refused, redline.Invalid(field, "a client speaks for at most %d suppliers", clientSuppliersMax))
	}
	if in.Scopes != nil && len(in.Scopes) == 0 {
		refused = append(refused, redline.Invalid([]string{"scopes"}, "without a scope it could do nothing: leave them out for all that its role has"))
	}
	for i, scope := range in.Scopes {
		if !slices.Contains(redline.DefaultScopes(in.Role), scope) {
			refused = append(refused, redline.Invalid(indexPath("scopes", i), "the role %s has no scope %.60q", in.Role, scope))
		} else if slices.Contains(in.Scopes[:i], scope) {
			refused = append(refused, redline.Invalid(indexPath("scopes", i), "the scope %s stands twice", scope))
		}
	}
	return refused
}

// holds refuses to give what the caller hasn't got.
func (m *mutation) holds(scopes, field []string) error {
	for _, scope := range scopes {
		if !m.by.Everywhere() || !m.by.Has(scope) {
			return redline.Errorf(redline.CodeForbidden, field, "a client is given nothing that you don't hold yourself, such as %s", scope)
		}
	}
	return nil
}

// suppliersByCode finds the ids of suppliers.
func (m *mutation) suppliersByCode(ctx context.Context, codes []string) ([]string, error) {
	var rows []struct{ ID, Code string }
	err := m.tx.SelectContext(ctx, &rows, `/* clients.suppliers_by_code */ SELECT id, code FROM suppliers WHERE code = ANY($1)`, pq.Array(codes))
	if err != nil {
		return nil, dbError("finding suppliers", err)
	}
	ids := make([]string, 0, len(rows))
	for i, code := range codes {
		at := slices.IndexFunc(rows, func(r struct{ ID, Code string }) bool { return r.Code == code })
		field := []string{"supplierCodes", strconv.Itoa(i)}
		switch {
		case at < 0:
			return nil, redline.NotFound(field, "there is no supplier %.60q", code)
		case slices.Contains(ids, rows[at].ID):
			return nil, redline.Invalid(field, "the supplier %s stands twice", code)
		}
		ids = append(ids, rows[at].ID)
	}
	return ids, nil
}

// lockClient locks a client and reads it, as it is named in the input.
func (m *mutation) lockClient(ctx context.Context, id string, expected *int) (*redline.Client, error) {
	q := &query{}
	q.seeClients(m.by)
	q.and("c.id = %s", id)
	var rows []struct {
		redline.Client
		Given pq.StringArray
	}
	err := m.tx.SelectContext(ctx, &rows, `/* clients.lock */ SELECT c.id, c.role, c.revoked_at, c.version, c.scopes AS given FROM clients c`+q.where()+` FOR NO KEY UPDATE OF c`, q.args...)
	if err != nil {
		return nil, dbError("locking a client", err)
	}
	if len(rows) == 0 {
		return nil, redline.NotFound([]string{"clientId"}, "there is no client %.60q", id)
	}
	c := &rows[0].Client
	c.Scopes = redline.ClientScopes(c.Role, rows[0].Given)
	m.subjects = append(m.subjects, c.ID)
	return c, expectVersion(expected, c.Version)
}
