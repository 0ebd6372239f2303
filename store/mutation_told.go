package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"redline"
)

// eventRow is one event as the log's columns take it.
type eventRow struct {
	// of is the place of the mutation that tells it.
	of      int
	typ     string
	subject string
	at      time.Time
	payload []byte
	// trace is the traceparent of the call that tells it, "" for none.
	trace string
}

// tell gathers an event, whose payload is as it is now.
func (m *mutation) tell(typ, subject string, payload any) error {
	b, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	m.events = append(m.events, eventRow{of: m.n, typ: typ, subject: subject, at: m.now, payload: b, trace: m.trace})
	return nil
}

// auditColumns are rows of the audit.
type auditColumns struct{ id, issuer, actor, role, action, subject, request, outcome *column }

func newAuditColumns() auditColumns {
	return auditColumns{texts(), texts(), texts(), texts(), texts(), texts(), texts(), texts()}
}

func (a auditColumns) add(c *call, subject, outcome string) {
	a.id.text(redline.NewID(redline.PrefixAuditEntry))
	a.issuer.text(c.by.Issuer)
	a.actor.text(c.by.Subject)
	a.role.text(string(c.by.Role))
	a.action.text(c.action)
	if subject == "" {
		a.subject.null()
	} else {
		a.subject.text(subject)
	}
	a.request.text(c.requestID)
	a.outcome.text(outcome)
}

// addAll tells of a mutation: what it changed, or why it was refused.
func (a auditColumns) addAll(m *mutation) {
	if m.err != nil {
		if refused := refusalsOf(m.err); refused != nil {
			m.audited = true
			a.add(m.call, auditSubject(m.subject), auditCodes(refused))
			a.addConflicts(m, auditCodes(refused))
		}
		return
	}
	for _, subject := range m.subjects {
		a.add(m.call, subject, auditDone)
	}
	a.addConflicts(m, auditDone)
	if len(m.subjects)+len(m.news) == 0 {
		a.add(m.call, "", auditDone)
	}
	if len(m.skipped) > 0 {
		a.add(m.call, "", auditCodes(m.skipped))
	}
}

// addConflicts tells of the conflicts that a mutation told of, and of those that
// ended by rule, which is the system's doing.
func (a auditColumns) addConflicts(m *mutation, outcome string) {
	for _, id := range m.news {
		a.add(m.call, id, outcome)
	}
	system := &call{request: request{action: "conflictSettle"}, by: redline.System(), requestID: m.requestID}
	for _, id := range m.ended {
		a.add(system, id, auditDone)
	}
}

// keyColumns are rows of the idempotency keys.
type keyColumns struct{ of, issuer, subject, operation, key, hash, result *column }

func newKeyColumns() keyColumns {
	return keyColumns{ints(), texts(), texts(), texts(), texts(), blobs(), jsons()}
}

// add has a call's key keep its outcome; n is the place of the mutation that made it.
func (k keyColumns) add(n int, c *call) error {
	result, err := json.Marshal(c.result)
	if err != nil {
		return fmt.Errorf("writing the outcome of an idempotency key: %w", err)
	}
	k.of.int(n)
	k.issuer.text(c.by.Issuer)
	k.subject.text(c.by.Subject)
	k.operation.text(c.action)
	k.key.text(*c.key)
	k.hash.blob(c.hash)
	k.result.blob(result)
	return nil
}

// finish writes what the mutations tell: the stock, conflicts, events, audit
// entries and the outcomes of their keys. It reports false where there is nothing
// to commit.
func (t *transaction) finish(ctx context.Context, all []*mutation) (bool, error) {
	if err := t.writeStock(ctx); err != nil {
		return false, err
	}
	if err := t.writeConflicts(ctx, all); err != nil {
		return false, err
	}
	size := 0
	for _, e := range t.events {
		size += len(e.payload)
	}
	of, types, subjects, at, payloads, traces := ints(), texts(), texts(), times(), jsons().room(len(t.events), size), texts()
	for _, e := range t.events {
		of.int(e.of)
		types.text(e.typ)
		subjects.text(e.subject)
		at.time(e.at)
		payloads.blob(e.payload)
		if e.trace == "" {
			traces.null()
		} else {
			traces.text(e.trace)
		}
	}
	audit, keys := newAuditColumns(), newKeyColumns()
	for _, m := range all {
		audit.addAll(m)
		if m.err != nil {
			continue
		}
		if m.key != nil {
			if err := keys.add(m.n, m.call); err != nil {
				return false, err
			}
		}
		for _, c := range m.answers {
			if err := keys.add(m.n, c); err != nil {
				return false, err
			}
		}
	}
	for _, m := range t.rules {
		audit.addAll(m)
	}
	if audit.id.n == 0 {
		return false, nil
	}
	var newestOf int
	var newest int64
	// The sequence gives its ids in the order of the rows, since the numbering
	// stands above the sort; and behind the lock of the log's table, which the
	// statement takes before it begins.
	err := scanRows(ctx, t.tx, "writing events, audit and keys", `/* mutation.tell */ WITH told AS MATERIALIZED (
			SELECT nextval('events_id') AS id, e.* FROM (
				SELECT * FROM unnest($1::integer[], $2::text[], $3::text[], $4::timestamptz[], $5::json[], $21::text[]) WITH ORDINALITY
					AS e (of, type, subject_id, at, payload, trace, n) ORDER BY n) AS e
		), logged AS (
			INSERT INTO events (id, type, subject_id, at, payload, trace) SELECT id, type, subject_id, at, payload, trace FROM told
		), newest AS (
			SELECT of, max(id) AS id FROM told GROUP BY of
		), audited AS (
			INSERT INTO audit_entries (id, issuer, actor, role, action, subject, request_id, outcome)
			SELECT * FROM unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
		), kept AS (
			INSERT INTO idempotency_keys (issuer, subject, operation, key, input_hash, outcome, created_at)
			SELECT k.issuer, k.subject, k.operation, k.key, k.input_hash,
				json_build_object('result', k.result, 'eventId', coalesce(newest.id, 0)), clock_timestamp()
			FROM unnest($14::integer[], $15::text[], $16::text[], $17::text[], $18::text[], $19::bytea[], $20::json[])
				AS k (of, issuer, subject, operation, key, input_hash, result) LEFT JOIN newest USING (of)
		)
		SELECT of, id FROM newest`,
		[]any{
			of, types, subjects, at, payloads,
			audit.id, audit.issuer, audit.actor, audit.role, audit.action, audit.subject, audit.request, audit.outcome,
			keys.of, keys.issuer, keys.subject, keys.operation, keys.key, keys.hash, keys.result, traces,
		},
		[]any{&newestOf, &newest}, func() error {
			all[newestOf].eventID = newest
			return nil
		})
	if err != nil {
		return false, err
	}
	return true, t.seen(ctx, all)
}

// seen notes that suppliers told us something, and when levels of theirs that
// became fresh are due, in the same transaction and last of all, so that the row is
// held for as short as can be. To the second is enough to know when one was seen,
// and saves most of the writes.
func (t *transaction) seen(ctx context.Context, all []*mutation) error {
	codes := texts()
	for _, m := range all {
		if m.err == nil && m.by.Role == redline.RoleSupplier {
			for _, code := range m.by.Suppliers {
				codes.text(code)
			}
		}
		if m.err == nil && m.heard != "" {
			codes.text(m.heard)
		}
	}
	fresh, asOf := texts(), times()
	for id, at := range t.fresh {
		fresh.text(id)
		asOf.time(at)
	}
	if codes.n+fresh.n == 0 {
		return nil
	}
	_, err := t.tx.ExecContext(ctx, `/* suppliers.seen */ UPDATE suppliers s SET last_seen_at = CASE WHEN n.seen THEN clock_timestamp() ELSE s.last_seen_at END,
			stale_due_at = least(s.stale_due_at, n.as_of + s.confirm_within_seconds * interval '1 second')
		FROM (
			SELECT s.id, s.code = ANY($1::text[]) AS seen, f.as_of
			FROM suppliers s LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS f (id, as_of) ON f.id = s.id
			WHERE f.id IS NOT NULL OR s.code = ANY($1::text[])
				AND (s.last_seen_at IS NULL OR s.last_seen_at < clock_timestamp() - interval '1 second')
			ORDER BY s.id FOR NO KEY UPDATE OF s
		) AS n WHERE s.id = n.id`, codes, fresh, asOf)
	if err != nil {
		return dbError("noting when suppliers were seen", err)
	}
	return nil
}
