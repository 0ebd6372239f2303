package store_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"redline"
	"redline/store"
)

var admin = redline.Principal{Issuer: "redline", Subject: "ada", Role: redline.RoleAdmin, Scopes: redline.DefaultScopes(redline.RoleAdmin)}

// client makes a client, which has to succeed, of cajun's unless the input says
// otherwise.
func (w *world) client(in redline.ClientCreateInput) (id, secret string) {
	w.t.Helper()
	if in.Role == "" {
		in.Role, in.SupplierCodes = redline.RoleSupplier, []string{"cajun"}
	}
	if in.Name == "" {
		in.Name = "ERP"
	}
	if in.IdempotencyKey == "" {
		in.IdempotencyKey = key()
	}
	id, done, err := w.ClientCreate(w.ctx, admin, in)
	w.must(err)
	return id, done.Secret
}

func (w *world) readClient(id string) *redline.Client {
	w.t.Helper()
	found, err := w.ClientsByID(w.ctx, admin, []string{id})
	w.must(err)
	if found[id] == nil {
		w.t.Fatalf("there is no client %s", id)
	}
	return found[id]
}

// authentic reports whether a client has a secret.
func (w *world) authentic(id, secret string) bool {
	w.t.Helper()
	_, err := w.ClientAuthenticate(w.ctx, id, secret)
	if err != nil && !redline.HasCode(err, redline.CodeUnauthenticated) {
		w.t.Fatal(err)
	}
	return err == nil
}

// What is made is what is read and what tokens say; the secret is in no table.
func TestClientCreate(t *testing.T) {
	w := newWorld(t)
	scopes := []string{redline.ScopeInventoryWrite, redline.ScopeInventoryRead}
	for name, test := range map[string]struct {
		in     redline.ClientCreateInput
		scopes []string
	}{
		"two suppliers": {redline.ClientCreateInput{Role: redline.RoleSupplier, SupplierCodes: []string{"tokyo", "cajun"}, Scopes: scopes}, scopes},
		"a shop":        {redline.ClientCreateInput{Role: redline.RoleStorefront}, redline.DefaultScopes(redline.RoleStorefront)},
		"an operator":   {redline.ClientCreateInput{Role: redline.RoleOperator}, redline.DefaultScopes(redline.RoleOperator)},
		"an admin":      {redline.ClientCreateInput{Role: redline.RoleAdmin}, redline.DefaultScopes(redline.RoleAdmin)},
	} {
		test.in.Name = name
		id, secret := w.client(test.in)
		c := w.readClient(id)
		var codes []string
		for _, s := range c.Suppliers {
			codes = append(codes, s.Code)
		}
		if c.Name != name || c.Role != test.in.Role || c.CreatedBy != "ada" || c.Version != 1 || c.RevokedAt != nil || c.LastUsedAt != nil ||
			!sameMembers(codes, test.in.SupplierCodes) || !sameMembers(c.Scopes, test.scopes) {
			t.Errorf("%s is read as %+v", name, c)
		}
		if len(c.Secrets) != 1 || c.Secrets[0].ExpiresAt != nil || time.Since(c.Secrets[0].CreatedAt) > time.Minute {
			t.Errorf("%s has the secrets %+v", name, c.Secrets)
		}
		grant, err := w.ClientAuthenticate(w.ctx, id, secret)
		w.must(err)
		if grant.ClientID != id || grant.Role != c.Role || !sameMembers(grant.Scopes, test.scopes) || !sameMembers(grant.Suppliers, codes) {
			t.Errorf("the tokens of %s say %+v", name, grant)
		}
		checkSecret(t, secret)
		w.nowhere(secret)
	}
}

func sameMembers(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// checkSecret holds a secret against its form.
func checkSecret(t *testing.T, secret string) {
	t.Helper()
	if !regexp.MustCompile(`^rls_[\w-]{49}$`).MatchString(secret) {
		t.Fatalf("the secret is %q", secret)
	}
	random, err := base64.RawURLEncoding.DecodeString(secret[4:47])
	if err != nil || len(random) != 32 {
		t.Fatalf("the secret %q has %d random bytes, %v", secret, len(random), err)
	}
	sum, err := base64.RawURLEncoding.DecodeString(secret[47:])
	if err != nil || binary.BigEndian.Uint32(sum) != crc32.ChecksumIEEE(random) {
		t.Errorf("the checksum of %q is another", secret)
	}
}

// nowhere looks for a secret in all that is written down of clients.
func (w *world) nowhere(secret string) {
	w.t.Helper()
	var all string
	w.must(w.DB().GetContext(w.ctx, &all, `SELECT coalesce((SELECT string_agg(c::text, ' ') FROM clients c), '') || (SELECT string_agg(s::text, ' ') FROM client_secrets s)
		|| coalesce((SELECT string_agg(k::text, ' ') FROM idempotency_keys k), '') || coalesce((SELECT string_agg(a::text, ' ') FROM audit_entries a), '')
		|| coalesce((SELECT string_agg(e::text, ' ') FROM events e), '')`))
	if strings.Contains(all, secret) || strings.Contains(all, secret[4:47]) {
		w.t.Error("the database has the secret itself")
	}
}

// Whom and what a client isn't made for.
func TestClientCreateRefuses(t *testing.T) {
	w := newWorld(t)
	narrow := admin
	narrow.Scopes = []string{redline.ScopeClientsWrite, redline.ScopeInventoryRead}
	supplier := redline.ClientCreateInput{Name: "n", Role: redline.RoleSupplier, SupplierCodes: []string{"cajun"}}
	mend := func(mend func(*redline.ClientCreateInput)) redline.ClientCreateInput {
		in := supplier
		mend(&in)
		return in
	}
	for name, c := range map[string]struct {
		who   redline.Principal
		in    redline.ClientCreateInput
		code  redline.ErrorCode
		field string
	}{
		"no name":           {admin, mend(func(in *redline.ClientCreateInput) { in.Name = " " }), redline.CodeInvalid, "name"},
		"a long name":       {admin, mend(func(in *redline.ClientCreateInput) { in.Name = strings.Repeat("n", 201) }), redline.CodeInvalid, "name"},
		"a strange name":    {admin, mend(func(in *redline.ClientCreateInput) { in.Name = "a\x00b" }), redline.CodeInvalid, "name"},
		"no role":           {admin, mend(func(in *redline.ClientCreateInput) { in.Role = "" }), redline.CodeInvalid, "role"},
		"a customer":        {admin, mend(func(in *redline.ClientCreateInput) { in.Role = redline.RoleCustomer }), redline.CodeInvalid, "role"},
		"no supplier":       {admin, mend(func(in *redline.ClientCreateInput) { in.SupplierCodes = nil }), redline.CodeInvalid, "supplierCodes"},
		"a shop's supplier": {admin, mend(func(in *redline.ClientCreateInput) { in.Role = redline.RoleStorefront }), redline.CodeInvalid, "supplierCodes"},
		"too many":          {admin, mend(func(in *redline.ClientCreateInput) { in.SupplierCodes = make([]string, 51) }), redline.CodeInvalid, "supplierCodes"},
		"nobody's":          {admin, mend(func(in *redline.ClientCreateInput) { in.SupplierCodes = []string{"cajun", "nobody"} }), redline.CodeNotFound, "supplierCodes.1"},
		"twice":             {admin, mend(func(in *redline.ClientCreateInput) { in.SupplierCodes = []string{"cajun", "cajun"} }), redline.CodeInvalid, "supplierCodes.1"},
		"no scope":          {admin, mend(func(in *redline.ClientCreateInput) { in.Scopes = []string{} }), redline.CodeInvalid, "scopes"},
		"no such scope":     {admin, mend(func(in *redline.ClientCreateInput) { in.Scopes = []string{"all"} }), redline.CodeInvalid, "scopes.0"},
		"not of the role": {admin, mend(func(in *redline.ClientCreateInput) {
			in.Scopes = []string{redline.ScopeOrdersRead, redline.ScopeClientsWrite}
		}), redline.CodeInvalid, "scopes.1"},
		"a scope twice": {admin, mend(func(in *redline.ClientCreateInput) {
			in.Scopes = []string{redline.ScopeOrdersRead, redline.ScopeOrdersRead}
		}), redline.CodeInvalid, "scopes.1"},
		"more than held":       {narrow, mend(func(in *redline.ClientCreateInput) { in.Scopes = []string{redline.ScopeOrdersRead} }), redline.CodeForbidden, "scopes"},
		"all, of which some":   {narrow, supplier, redline.CodeForbidden, "scopes"},
		"a supplier's own":     {cajun, supplier, redline.CodeForbidden, "scopes"},
		"an operator's admin":  {operator, redline.ClientCreateInput{Name: "n", Role: redline.RoleAdmin}, redline.CodeForbidden, "scopes"},
		"without a good key":   {admin, mend(func(in *redline.ClientCreateInput) { in.IdempotencyKey = "\n" }), redline.CodeInvalid, "idempotencyKey"},
		"a shop's, of a scope": {shop, redline.ClientCreateInput{Name: "n", Role: redline.RoleStorefront}, redline.CodeForbidden, "scopes"},
	} {
		if c.in.IdempotencyKey == "" {
			c.in.IdempotencyKey = key()
		}
		id, done, err := w.ClientCreate(w.ctx, c.who, c.in)
		if err == nil {
			t.Errorf("%s: %s is made", name, id)
			continue
		}
		refused(t, err, c.code, c.field)
		equal(t, "the secret of "+name, done.Secret, "")
	}
	id, _, err := w.ClientCreate(w.ctx, narrow, redline.ClientCreateInput{
		IdempotencyKey: key(), Name: "n", Role: redline.RoleSupplier, SupplierCodes: []string{"cajun"}, Scopes: []string{redline.ScopeInventoryRead},
	})
	w.must(err)
	equal(t, "what who holds little may give", w.readClient(id).Scopes, []string{redline.ScopeInventoryRead})
	var n int
	w.must(w.DB().GetContext(w.ctx, &n, `SELECT count(*) FROM clients`))
	equal(t, "the clients that were made", n, 1)
}

// A call that is made again makes nothing, and nobody can tell the secret again.
func TestClientSecretIsShownOnce(t *testing.T) {
	w := newWorld(t)
	in := redline.ClientCreateInput{IdempotencyKey: key(), Name: "n", Role: redline.RoleSupplier, SupplierCodes: []string{"cajun"}}
	id, secret := w.client(in)
	again, done, err := w.ClientCreate(w.ctx, admin, in)
	w.must(err)
	if again != id || !done.Replayed || done.Secret != "" {
		t.Errorf("the same call makes %s with %+v", again, done)
	}
	rotate := redline.ClientRotateSecretInput{IdempotencyKey: key(), ClientID: id, OverlapSeconds: 60}
	_, done, err = w.ClientRotateSecret(w.ctx, admin, rotate)
	w.must(err)
	second := done.Secret
	_, done, err = w.ClientRotateSecret(w.ctx, admin, rotate)
	w.must(err)
	if !done.Replayed || done.Secret != "" {
		t.Errorf("the same rotation gives %+v", done)
	}
	in.Name = "another"
	_, _, err = w.ClientCreate(w.ctx, admin, in)
	refused(t, err, redline.CodeIdempotencyKeyReused, "idempotencyKey")
	if !w.authentic(id, secret) || !w.authentic(id, second) || len(w.readClient(id).Secrets) != 2 {
		t.Error("the replays have changed the secrets")
	}
	w.nowhere(second)
}

// The secret before is good as long as it was said, and of three the newest two are.
func TestClientRotateSecret(t *testing.T) {
	w := newWorld(t)
	id, first := w.client(redline.ClientCreateInput{})
	rotate := func(overlap int) string {
		_, done, err := w.ClientRotateSecret(w.ctx, admin, redline.ClientRotateSecretInput{IdempotencyKey: key(), ClientID: id, OverlapSeconds: overlap})
		w.must(err)
		return done.Secret
	}
	good := func(what string, secrets map[string]bool) {
		t.Helper()
		for secret, want := range secrets {
			if got := w.authentic(id, secret); got != want {
				t.Errorf("%s: a secret is good %t, want %t", what, got, want)
			}
		}
	}
	second := rotate(3600)
	good("rotated once", map[string]bool{first: true, second: true})
	c := w.readClient(id)
	if len(c.Secrets) != 2 || c.Secrets[0].ExpiresAt != nil || c.Secrets[1].ExpiresAt == nil || c.Version != 2 ||
		time.Until(*c.Secrets[1].ExpiresAt) < 50*time.Minute || time.Until(*c.Secrets[1].ExpiresAt) > time.Hour {
		t.Errorf("the client is %+v with %+v", c, c.Secrets)
	}
	third := rotate(3600)
	good("rotated twice", map[string]bool{first: false, second: true, third: true})
	w.exec(`UPDATE client_secrets SET expires_at = clock_timestamp() WHERE expires_at IS NOT NULL`)
	good("after the overlap", map[string]bool{second: false, third: true})
	equal(t, "the secrets after the overlap", len(w.readClient(id).Secrets), 1)
	fourth := rotate(0)
	good("rotated at once", map[string]bool{third: false, fourth: true})

	narrow := admin
	narrow.Scopes = []string{redline.ScopeClientsWrite}
	for name, test := range map[string]struct {
		who   redline.Principal
		in    redline.ClientRotateSecretInput
		code  redline.ErrorCode
		field string
	}{
		"too long":         {admin, redline.ClientRotateSecretInput{ClientID: id, OverlapSeconds: 30*24*3600 + 1}, redline.CodeInvalid, "overlapSeconds"},
		"before":           {admin, redline.ClientRotateSecretInput{ClientID: id, OverlapSeconds: -1}, redline.CodeInvalid, "overlapSeconds"},
		"nobody's":         {admin, redline.ClientRotateSecretInput{ClientID: redline.NewID(redline.PrefixClient)}, redline.CodeNotFound, "clientId"},
		"its own":          {cajun, redline.ClientRotateSecretInput{ClientID: id}, redline.CodeNotFound, "clientId"},
		"an old version":   {admin, redline.ClientRotateSecretInput{ClientID: id, ExpectedVersion: ref(1)}, redline.CodeVersionMismatch, "expectedVersion"},
		"who holds little": {narrow, redline.ClientRotateSecretInput{ClientID: id}, redline.CodeForbidden, "clientId"},
	} {
		test.in.IdempotencyKey = key()
		_, done, err := w.ClientRotateSecret(w.ctx, test.who, test.in)
		if err == nil || done.Secret != "" {
			t.Errorf("%s rotates", name)
			continue
		}
		refused(t, err, test.code, test.field)
	}
	good("after what was refused", map[string]bool{fourth: true})
}

// Who is revoked gets in no more, whatever it brings, and is told what everybody is.
func TestClientRevoke(t *testing.T) {
	w := newWorld(t)
	id, secret := w.client(redline.ClientCreateInput{})
	other, otherSecret := w.client(redline.ClientCreateInput{})
	token := lasting(cajun)
	token.ClientID = id
	elsewhere, err := store.Open(w.ctx, w.url, store.Options{})
	w.must(err)
	t.Cleanup(func() { _ = elsewhere.Close() })
	var here *store.Store
	told := 0
	here, err = store.Open(w.ctx, w.url, store.Options{Revoked: func() {
		if told++; !here.Revoked(token) {
			t.Error("it is told before it is so")
		}
	}})
	w.must(err)
	t.Cleanup(func() { _ = here.Close() })
	w.Store = here
	ticket, _, err := w.TicketIssue(w.ctx, token, redline.Operation{Query: "{ a }"})
	w.must(err)

	for range 2 {
		_, _, err := w.ClientRevoke(w.ctx, admin, redline.ClientRevokeInput{ClientID: id})
		w.must(err)
	}
	c := w.readClient(id)
	if c.RevokedAt == nil || len(c.Secrets) > 0 || c.Version != 2 {
		t.Errorf("the client is %+v", c)
	}
	_, _, err = w.ClientRotateSecret(w.ctx, admin, redline.ClientRotateSecretInput{IdempotencyKey: key(), ClientID: id})
	refused(t, err, redline.CodeInvalid, "clientId")
	_, err = w.ClientAuthenticate(w.ctx, id, secret)
	want := refused(t, err, redline.CodeUnauthenticated, "")
	for _, bad := range [][2]string{
		{id, ""}, {other, secret}, {other, ""}, {other, otherSecret + "A"}, {other, otherSecret[:52]}, {redline.NewID(redline.PrefixClient), otherSecret},
		{"", otherSecret}, {"\x00", "\x00"}, {strings.Repeat("cli_", 1000), otherSecret}, {redline.NewID(redline.PrefixOrder), otherSecret}, {"'; --", ""},
	} {
		_, err := w.ClientAuthenticate(w.ctx, bad[0], bad[1])
		equal(t, "what is said of "+bad[0], refused(t, err, redline.CodeUnauthenticated, ""), want)
	}
	if !w.authentic(other, otherSecret) {
		t.Error("another client is revoked with it")
	}

	// Its tokens are known to be its own where it was revoked, and elsewhere once that has
	// read so.
	equal(t, "how often it was told", told, 2)
	if elsewhere.Revoked(token) {
		t.Error("it is known before it was read")
	}
	w.must(elsewhere.RefreshRevoked(w.ctx))
	if !elsewhere.Revoked(token) {
		t.Error("it isn't known once it was read")
	}
	otherToken := token
	otherToken.ClientID = other
	if !w.Revoked(token) || w.Revoked(otherToken) || w.Revoked(cajun) || w.Revoked(redline.Anonymous()) {
		t.Error("the wrong ones are revoked")
	}
	_, _, err = w.TicketOpen(w.ctx, ticket)
	refused(t, err, redline.CodeUnauthenticated, "")
	// As long as a token of it may be good, and no longer.
	for age, want := range map[string]bool{"24 hours": true, "25 hours": false} {
		token.ClientID, _ = w.client(redline.ClientCreateInput{})
		w.exec(`UPDATE clients SET revoked_at = clock_timestamp() - $2::interval WHERE id = $1`, token.ClientID, age)
		w.must(w.RefreshRevoked(w.ctx))
		equal(t, "whether it is revoked "+age+" after", w.Revoked(token), want)
	}
	_, _, err = w.ClientRevoke(w.ctx, cajun, redline.ClientRevokeInput{ClientID: other})
	refused(t, err, redline.CodeNotFound, "clientId")
	_, _, err = w.ClientRevoke(w.ctx, admin, redline.ClientRevokeInput{ClientID: other, ExpectedVersion: ref(7)})
	refused(t, err, redline.CodeVersionMismatch, "expectedVersion")
}

// Each change is in the audit, and the log tells gateways of what they keep, whoever
// changed it; that a client was used is no change.
func TestClientsAreToldOf(t *testing.T) {
	w := newWorld(t)
	told := func(what string, want int, do func()) {
		t.Helper()
		count := func() (n int) {
			w.must(w.DB().GetContext(w.ctx, &n, `SELECT count(*) FROM events WHERE type = $1`, redline.EventClients))
			return n
		}
		before := count()
		do()
		equal(t, "the events of "+what, count()-before, want)
	}
	var id, secret string
	told("a new client", 0, func() { id, secret = w.client(redline.ClientCreateInput{}) })
	told("its use", 0, func() { w.authentic(id, secret) })
	told("a rotation", 1, func() {
		_, _, err := w.ClientRotateSecret(w.ctx, admin, redline.ClientRotateSecretInput{IdempotencyKey: key(), ClientID: id})
		w.must(err)
	})
	told("a revocation", 1, func() {
		_, _, err := w.ClientRevoke(w.ctx, admin, redline.ClientRevokeInput{ClientID: id})
		w.must(err)
	})
	other, _ := w.client(redline.ClientCreateInput{})
	told("a revocation by hand", 1, func() { w.exec(`UPDATE clients SET revoked_at = clock_timestamp() WHERE id = $1`, other) })
	_, _, err := w.ClientRevoke(w.ctx, admin, redline.ClientRevokeInput{ClientID: id, ExpectedVersion: ref(1)})
	refused(t, err, redline.CodeVersionMismatch, "expectedVersion")

	page, err := w.AuditEntries(w.ctx, operator, redline.AuditFilter{Subject: &id}, redline.PageRequest{})
	w.must(err)
	var actions []string
	for _, e := range slices.Backward(page.Items) {
		actions = append(actions, e.Action+" "+e.Outcome+" by "+e.Actor)
	}
	equal(t, "the audit", actions, []string{
		"clientCreate OK by ada", "clientRotateSecret OK by ada", "clientRevoke OK by ada", "clientRevoke VERSION_MISMATCH by ada",
	})
}

// When a client was used is noted once a minute, by one of many.
func TestClientUseIsNotedCoarsely(t *testing.T) {
	w := newWorld(t)
	id, secret := w.client(redline.ClientCreateInput{})
	var users sync.WaitGroup
	for range 8 {
		users.Go(func() {
			if _, err := w.ClientAuthenticate(w.ctx, id, secret); err != nil {
				t.Error(err)
			}
		})
	}
	users.Wait()
	noted := w.readClient(id).LastUsedAt
	if noted == nil || time.Since(*noted) > time.Minute {
		t.Fatalf("it was used at %v", noted)
	}
	w.authentic(id, secret)
	w.authentic(id, "wrong")
	if again := w.readClient(id).LastUsedAt; !again.Equal(*noted) {
		t.Errorf("within a minute it is noted again: %v after %v", again, noted)
	}
	w.exec(`UPDATE clients SET last_used_at = last_used_at - interval '1 minute'`)
	w.authentic(id, "wrong")
	early := w.readClient(id).LastUsedAt
	w.authentic(id, secret)
	if late := w.readClient(id).LastUsedAt; !late.After(*early) || !early.Before(*noted) {
		t.Errorf("a minute later it is noted at %v, and was at %v", late, early)
	}
	equal(t, "the version", w.readClient(id).Version, 1)
}

// A token doesn't wait for the connections for changes, where all are taken.
func TestATokenDoesNotWaitForItsUseToBeNoted(t *testing.T) {
	w := newWorld(t)
	const conns = 6
	s, err := store.Open(w.ctx, w.url, store.Options{MaxConns: conns, StatementTimeout: time.Minute, Patience: 30 * time.Second})
	w.must(err)
	t.Cleanup(func() { _ = s.Close() })
	id, secret := w.client(redline.ClientCreateInput{})
	tx, err := w.DB().BeginTx(w.ctx, nil)
	w.must(err)
	_, err = tx.ExecContext(w.ctx, `LOCK TABLE clients IN SHARE MODE`) // which holds up who changes
	w.must(err)
	var changes sync.WaitGroup
	held := make([]error, conns/2)
	for i := range held {
		changes.Go(func() {
			_, _, held[i] = s.ClientCreate(w.ctx, admin, redline.ClientCreateInput{IdempotencyKey: key(), Name: "n", Role: redline.RoleStorefront})
		})
	}
	w.await("all connections for changes to be taken", func() bool {
		var waiting int
		w.must(w.DB().GetContext(w.ctx, &waiting, `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`))
		return waiting == len(held)
	})
	began := time.Now()
	_, err = s.ClientAuthenticate(w.ctx, id, secret)
	w.must(err)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the token took %s", took)
	}
	w.must(tx.Rollback())
	changes.Wait()
	w.must(errors.Join(held...))
}

// The list is for those who see everybody, the newest first, page by page.
func TestClients(t *testing.T) {
	w := newWorld(t)
	var ids []string
	for _, code := range []string{"cajun", "tokyo", "cajun"} {
		id, _ := w.client(redline.ClientCreateInput{Name: code, Role: redline.RoleSupplier, SupplierCodes: []string{code}})
		ids = append([]string{id}, ids...)
	}
	list := func(p redline.Principal, f redline.ClientFilter) (found []string) {
		t.Helper()
		for page := (redline.PageRequest{First: ref(1), Count: true}); ; {
			got, err := w.Clients(w.ctx, p, f, page)
			w.must(err)
			for _, c := range got.Items {
				found = append(found, c.ID)
				if !reflect.DeepEqual(c, w.readClient(c.ID)) {
					t.Errorf("the list has %+v", c)
				}
			}
			if !got.HasNext {
				if *got.Total != len(found) {
					t.Errorf("%d are counted of %d", *got.Total, len(found))
				}
				return found
			}
			page.After = &got.Cursors[0]
		}
	}
	equal(t, "all", list(admin, redline.ClientFilter{}), ids)
	equal(t, "cajun's", list(operator, redline.ClientFilter{SupplierID: ref(w.id["supplier cajun"])}), []string{ids[0], ids[2]})
	equal(t, "nobody's", list(admin, redline.ClientFilter{SupplierID: ref("x")}), []string(nil))
	for who, p := range map[string]redline.Principal{"cajun": cajun, "shop": shop, "ann": buyer, "anybody": redline.Anonymous()} {
		equal(t, "what "+who+" sees", list(p, redline.ClientFilter{}), []string(nil))
		found, err := w.ClientsByID(w.ctx, p, ids)
		w.must(err)
		equal(t, "what "+who+" finds", len(found), 0)
	}
}
