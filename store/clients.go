package store

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/lib/pq"

	"redline"
)

// selectClients has the scopes as they were given, and what belongs to a client as
// nested rows: its suppliers by code, and its secrets that are good, the newest first.
const selectClients = `SELECT c.id, c.name, c.role, c.created_at, c.created_by, c.revoked_at, c.last_used_at, c.version, c.scopes AS given,
		(SELECT json_agg(json_build_array(s.id) ORDER BY s.code) FROM client_suppliers l JOIN suppliers s ON s.id = l.supplier_id
			WHERE l.client_id = c.id) AS suppliers_of,
		(SELECT json_agg(json_build_array(k.created_at, k.expires_at) ORDER BY k.created_at DESC) FROM client_secrets k
			WHERE k.client_id = c.id AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())) AS secrets_of
	FROM clients c`

// clientRow is a row of selectClients.
type clientRow struct {
	redline.Client
	Given       pq.StringArray
	SuppliersOf *string `db:"suppliers_of"`
	SecretsOf   *string `db:"secrets_of"`
}

// Clients lists OAuth clients, the newest first, with their suppliers.
func (s *Store) Clients(
	ctx context.Context, p redline.Principal, f redline.ClientFilter, page redline.PageRequest,
) (*redline.Page[*redline.Client], error) {
	q := &query{}
	q.seeClients(p)
	if f.SupplierID != nil {
		q.and("c.id IN (SELECT client_id FROM client_suppliers WHERE supplier_id = %s)", *f.SupplierID)
	}
	by := sorting{tag: "clients", column: "c.created_at", cast: "timestamptz", id: "c.id", prefix: redline.PrefixClient, desc: true}
	found, err := pageOf(ctx, s, "clients", selectClients, q, by, page, func(r *clientRow) (string, string) { return stamp(r.CreatedAt), r.ID })
	if err != nil {
		return nil, err
	}
	clients, err := s.showClients(ctx, found.Items)
	if err != nil {
		return nil, err
	}
	return &redline.Page[*redline.Client]{
		Items: clients, Cursors: found.Cursors, HasNext: found.HasNext, HasPrevious: found.HasPrevious, Total: found.Total,
	}, nil
}

// ClientsByID finds OAuth clients, with their suppliers.
func (s *Store) ClientsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.Client, error) {
	q := &query{}
	q.seeClients(p)
	q.and("c.id = ANY(%s)", pq.Array(ids))
	found, err := structs[*clientRow](s)(ctx, "reading clients", "/* clients.by_id */ "+selectClients+q.where(), q.args)
	if err != nil {
		return nil, err
	}
	clients, err := s.showClients(ctx, found)
	if err != nil {
		return nil, err
	}
	return keyed(clients, func(c *redline.Client) string { return c.ID }), nil
}

// seeClients: a client is nobody's own, and so is for those who see everybody.
func (q *query) seeClients(p redline.Principal) {
	if !p.Everywhere() {
		q.and("false")
	}
}

func (s *Store) showClients(ctx context.Context, rows []*clientRow) ([]*redline.Client, error) {
	places, err := s.placesOf(ctx)
	if err != nil {
		return nil, err
	}
	clients := make([]*redline.Client, len(rows))
	for i, r := range rows {
		c := &r.Client
		c.Scopes = redline.ClientScopes(c.Role, r.Given)
		suppliers, secrets := nestedOf(r.SuppliersOf), nestedOf(r.SecretsOf)
		suppliers.rows(func() { c.SupplierIDs = append(c.SupplierIDs, suppliers.str()) })
		secrets.rows(func() {
			c.Secrets = append(c.Secrets, &redline.ClientSecret{CreatedAt: secrets.time(), ExpiresAt: optional(secrets, secrets.time)})
		})
		for _, n := range []*nested{suppliers, secrets} {
			if err := n.failed("what belongs to it"); err != nil {
				return nil, fmt.Errorf("reading the client %s: %w", c.ID, err)
			}
		}
		for _, id := range c.SupplierIDs {
			supplier, err := places.supplier(ctx, id)
			if err != nil {
				return nil, err
			}
			c.Suppliers = append(c.Suppliers, supplier)
		}
		clients[i] = c
	}
	return clients, nil
}

// errNoClient is said of a client that isn't there, of one that is revoked and of a
// secret that is wrong or has ended: nobody learns which.
var errNoClient = redline.Errorf(redline.CodeUnauthenticated, nil, "the client is not known, or the secret is not its own")

// ClientAuthenticate says what the tokens of a client may say that has this id and
// this secret; otherwise it is errNoClient, after the same work. That the client was
// used is noted, once a minute at most.
func (s *Store) ClientAuthenticate(ctx context.Context, id, secret string) (*redline.ClientGrant, error) {
	if redline.IDPrefix(id) != redline.PrefixClient {
		id = "" // no client's, and fit for the database whatever it was
	}
	var rows []struct {
		Role      redline.Role
		Given     pq.StringArray
		Suppliers pq.StringArray
		Hashes    pq.ByteaArray
		Unnoted   bool
	}
	err := s.look(ctx, "reading a client", &rows, `/* clients.authenticate */ SELECT c.role, c.scopes AS given,
			ARRAY(SELECT s.code FROM client_suppliers l JOIN suppliers s ON s.id = l.supplier_id WHERE l.client_id = c.id ORDER BY s.code) AS suppliers,
			ARRAY(SELECT k.hash FROM client_secrets k
				WHERE k.client_id = c.id AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())) AS hashes,
			c.last_used_at IS NULL OR c.last_used_at < clock_timestamp() - interval '1 minute' AS unnoted
		FROM clients c WHERE c.id = $1 AND c.revoked_at IS NULL`, id)
	if err != nil {
		return nil, err
	}
	var hashes [][]byte
	if len(rows) > 0 {
		hashes = rows[0].Hashes
	}
	if !isSecret(secret, hashes) {
		return nil, errNoClient
	}
	found := rows[0]
	if found.Unnoted {
		s.noteUse(ctx, id)
	}
	return &redline.ClientGrant{
		ClientID: id, Role: found.Role, Scopes: redline.ClientScopes(found.Role, found.Given), Suppliers: found.Suppliers,
	}, nil
}

// noteTime is how long a token waits for the use of its client to be noted.
const noteTime = 100 * time.Millisecond

// noteUse notes when a client was used. It waits for nobody who does the same, and for
// noteTime at most; that it couldn't be noted doesn't keep the client from its token.
func (s *Store) noteUse(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, noteTime)
	defer cancel()
	err := func() error {
		tx, release, err := s.begin(ctx, false)
		if err != nil {
			return err
		}
		defer release()
		_, err = tx.ExecContext(ctx, `/* clients.used */ UPDATE clients SET last_used_at = clock_timestamp() WHERE id IN (
			SELECT id FROM clients WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')
			FOR NO KEY UPDATE SKIP LOCKED)`, id)
		if err != nil {
			return err
		}
		return tx.Commit()
	}()
	if err != nil {
		s.log.WarnContext(ctx, "that a client was used could not be noted", "client", id, "error", err)
	}
}

// revokedKept is for how long a revoked client is remembered: as long as its last token may
// be good, with what clocks may differ.
const revokedKept = redline.MaxClientTokenTTL + time.Minute

// RefreshRevoked reads anew which clients are revoked. It is called when a gateway
// begins, every so often, and where the event log says that a client has changed, before
// anything later is told to anybody. Several may call it at once: what was read earlier
// never takes the place of what was read later.
func (s *Store) RefreshRevoked(ctx context.Context) error {
	ctx = background(ctx) // whoever is revoked is let in meanwhile
	for {
		known := s.revoked.Load()
		var ids []string
		err := s.look(ctx, "reading which clients are revoked", &ids,
			`/* clients.revoked */ SELECT id FROM clients WHERE revoked_at > statement_timestamp() - make_interval(secs => $1)`, revokedKept.Seconds())
		if err != nil {
			return err
		}
		revoked := make(map[string]bool, len(ids))
		for _, id := range ids {
			revoked[id] = true
		}
		if s.revoked.CompareAndSwap(known, &revoked) {
			return nil
		}
		// Somebody knows more since: this may have been read before they did.
	}
}

// remember has Revoked know of a client that this gateway has just revoked, whatever becomes
// of the log and of reading it.
func (s *Store) remember(id string) {
	for {
		known := s.revoked.Load()
		revoked := map[string]bool{id: true}
		if known != nil {
			maps.Copy(revoked, *known)
		}
		if s.revoked.CompareAndSwap(known, &revoked) {
			return
		}
	}
}

// Revoked reports whether a principal's token is of a client that was revoked, as far
// as RefreshRevoked has read or this gateway has done it. It asks nothing of the database.
func (s *Store) Revoked(p redline.Principal) bool {
	if p.ClientID == "" {
		return false
	}
	revoked := s.revoked.Load()
	return revoked != nil && (*revoked)[p.ClientID]
}
