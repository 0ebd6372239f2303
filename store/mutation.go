package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"redline"
)

const (
	// mutationTimeout bounds one try of a mutation, COMMIT and all.
	mutationTimeout = 30 * time.Second
	// mutationTries is how often a transaction that lost to another is run.
	mutationTries = 8
	// keyMax is the longest idempotency key, in bytes.
	keyMax = 200
	// retryAfter is when to ask again for what is being worked on.
	retryAfter = 100 * time.Millisecond
)

// mutation is one change under way, in one transaction: what it does to rows
// is written as it goes, what it tells is gathered and written at its end.
type mutation struct {
	tx     *sqlx.Tx
	by     redline.Principal
	action string
	// now is the database's clock, read after the newest locks.
	now time.Time

	stock    stockWrites
	events   []eventRow
	subjects []string
}

// eventRow is one event as the log's columns take it.
type eventRow struct {
	Type    string    `json:"type"`
	Subject string    `json:"subject"`
	At      time.Time `json:"at"`
	Payload any       `json:"payload"`
}

// request is what a mutation was asked for.
type request struct {
	action string
	// key makes the call idempotent; nil where the caller gave none.
	key *string
	// input is what the key is bound to.
	input any
	// subject is the id that a refusal's audit entry names, if there is one.
	subject string
}

// stored is what an idempotency key keeps of an outcome.
type stored[T any] struct {
	Result  T     `json:"result"`
	EventID int64 `json:"eventId"`
}

// mutate runs a change in a transaction of its own and answers what work came
// to; or, where the key was used before, what it came to then. A refusal rolls
// everything back and leaves an audit entry. A client that goes away stops
// nothing: what was begun is finished, and found again by its key.
func mutate[T any](
	ctx context.Context, s *Store, p redline.Principal, r request, work func(context.Context, *mutation) (T, error),
) (T, redline.Outcome, error) {
	var none T
	err := checkKey(r.key)
	hash := inputHash(r.input)
	for try := 1; err == nil; try++ {
		var result stored[T]
		var replayed bool
		result, replayed, err = mutateOnce(ctx, s, p, r, hash, work)
		if err == nil {
			return result.Result, redline.Outcome{Replayed: replayed, EventID: result.EventID}, nil
		}
		if try < mutationTries && passing(err) {
			err = pause(ctx, time.Duration(rand.IntN(10*try)+1)*time.Millisecond)
		}
	}
	if passing(err) {
		err = errBusy.Because(err)
	}
	var one *redline.Error
	var many redline.Errors
	switch {
	case errors.As(err, &many):
	case errors.As(err, &one):
		many = redline.Errors{one}
	default:
		return none, redline.Outcome{}, err
	}
	switch many[0].Code {
	case redline.CodeUnavailable, redline.CodeOutcomeUnknown, redline.CodeIdempotencyInProgress: // no refusals: they are tried again
	default:
		s.auditRefusal(ctx, p, r.action, r.subject, many)
	}
	return none, redline.Outcome{}, err
}

// errBusy is what a change comes to that found no connection, or lost to others
// each time.
var errBusy = &redline.Error{
	Code: redline.CodeUnavailable, RetryAfter: retryAfter,
	Message: "too much else is being changed; nothing was changed now; try again shortly",
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func mutateOnce[T any](
	ctx context.Context, s *Store, p redline.Principal, r request, hash []byte, work func(context.Context, *mutation) (T, error),
) (result stored[T], replayed bool, err error) {
	// Neither a work nor a COMMIT half done is cut off by a client that goes away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mutationTimeout)
	defer cancel()
	tx, release, err := s.begin(ctx)
	if err != nil {
		return result, false, err
	}
	defer release()

	if r.key != nil {
		before, err := claimKey(ctx, tx, p, r.action, *r.key, hash)
		if err != nil {
			return result, false, err
		}
		if before != nil {
			if err := json.Unmarshal(before, &result); err != nil {
				return result, false, fmt.Errorf("reading the outcome of an idempotency key: %w", err)
			}
			return result, true, nil
		}
	}
	m := &mutation{tx: tx, by: p, action: r.action, events: []eventRow{}}
	if result.Result, err = work(ctx, m); err != nil {
		return result, false, err
	}
	if result.EventID, err = m.finish(ctx, r.key, hash, result.Result); err != nil {
		return result, false, err
	}
	if err := tx.Commit(); err != nil {
		return result, false, commitError(err)
	}
	s.committed()
	return result, false, nil
}

// commitError says what an error from COMMIT means. Where Postgres itself
// refused to commit, nothing happened. Anything else means that we can't know.
func commitError(err error) error {
	err = fmt.Errorf("committing: %w", err)
	var pe *pq.Error
	if errors.As(err, &pe) && (pe.Code.Class() == "40" || pe.Code.Class() == "23") {
		return err
	}
	unknown := &redline.Error{
		Code: redline.CodeOutcomeUnknown, RetryAfter: time.Second,
		Message: "the connection was lost while the change was being committed; call again with the same idempotencyKey to learn what became of it",
	}
	return unknown.Because(err)
}

func checkKey(key *string) error {
	if key == nil {
		return nil
	}
	unprintable := strings.ContainsFunc(*key, func(r rune) bool { return !unicode.IsPrint(r) })
	if *key == "" || len(*key) > keyMax || unprintable {
		return redline.Invalid([]string{"idempotencyKey"}, "an idempotency key is 1 to %d bytes of printable text", keyMax)
	}
	return nil
}

// inputHash is what an idempotency key is bound to: the input's JSON, which
// leaves the key itself out.
func inputHash(input any) []byte {
	b, err := json.Marshal(input)
	if err != nil {
		panic(fmt.Sprintf("an input that isn't JSON: %v", err)) // inputs are plain structs
	}
	h := sha256.Sum256(b)
	return h[:]
}

// claimKey takes an idempotency key for this transaction, or answers the
// outcome that it has already. It never waits: whoever else holds the key is
// still at work.
func claimKey(ctx context.Context, tx *sqlx.Tx, p redline.Principal, action, key string, hash []byte) ([]byte, error) {
	id := sha256.Sum256([]byte(strings.Join([]string{p.Issuer, p.Subject, action, key}, "\x00")))
	var got struct {
		Locked    bool
		InputHash []byte `db:"input_hash"`
		Outcome   []byte
	}
	err := tx.GetContext(ctx, &got, `SELECT pg_try_advisory_xact_lock($1) AS locked, k.input_hash, k.outcome
		FROM (SELECT 1) AS one LEFT JOIN idempotency_keys k ON (k.issuer, k.subject, k.operation, k.key) = ($2, $3, $4, $5)`,
		int64(binary.BigEndian.Uint64(id[:8])), p.Issuer, p.Subject, action, key)
	if err != nil {
		return nil, dbError("taking an idempotency key", err)
	}
	field := []string{"idempotencyKey"}
	switch {
	case got.Outcome != nil && !slices.Equal(got.InputHash, hash):
		return nil, redline.Errorf(redline.CodeIdempotencyKeyReused, field, "this key was used before with another input")
	case got.Outcome != nil:
		return got.Outcome, nil
	case !got.Locked:
		e := redline.Errorf(redline.CodeIdempotencyInProgress, field, "a call with this key is being worked on; ask again shortly")
		e.RetryAfter = retryAfter
		return nil, e
	}
	// Should the key's row have been committed between this statement's snapshot
	// and its lock, writing it again fails, and the transaction is run again.
	return nil, nil
}

// finish writes what the mutation tells: the stock, events, audit entries and
// the outcome of the key, and returns the newest event's id.
func (m *mutation) finish(ctx context.Context, key *string, hash []byte, result any) (int64, error) {
	if err := m.writeStock(ctx); err != nil {
		return 0, err
	}
	events, err := jsonText(m.events)
	if err != nil {
		return 0, err
	}
	outcome, err := jsonText(result)
	if err != nil {
		return 0, err
	}
	if len(m.subjects) == 0 {
		m.subjects = []string{""}
	}
	ids := make([]string, len(m.subjects))
	for i := range ids {
		ids[i] = redline.NewID(redline.PrefixAuditEntry)
	}
	// The sequence gives its ids in the order of the rows, since the numbering
	// stands above the sort.
	var newest sql.NullInt64
	err = m.tx.GetContext(ctx, &newest, `WITH told AS (
			INSERT INTO events (type, subject_id, at, payload)
			SELECT e.value->>'type', e.value->>'subject', (e.value->>'at')::timestamptz, e.value->'payload'
			FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e (value, n) ORDER BY e.n
			RETURNING id
		), audited AS (
			INSERT INTO audit_entries (id, issuer, actor, role, action, subject, request_id, outcome)
			SELECT id, $2, $3, $4, $5, nullif(subject, ''), $6, $7 FROM unnest($8::text[], $9::text[]) AS t (id, subject)
		), kept AS (
			INSERT INTO idempotency_keys (issuer, subject, operation, key, input_hash, outcome, created_at)
			SELECT $2, $3, $5, $10::text, decode($11, 'hex'),
				jsonb_build_object('result', $12::jsonb, 'eventId', (SELECT coalesce(max(id), 0) FROM told)), clock_timestamp()
			WHERE $10::text IS NOT NULL
		)
		SELECT max(id) FROM told`,
		events, m.by.Issuer, m.by.Subject, string(m.by.Role), m.action, redline.RequestIDFrom(ctx), auditDone,
		pq.Array(ids), pq.Array(m.subjects), key, fmt.Sprintf("%x", hash), outcome)
	if err != nil {
		return 0, dbError("writing events, audit and key", err)
	}
	return newest.Int64, m.seen(ctx)
}

// seen notes that suppliers told us something, in the same transaction and last
// of all, so that the row is held for as short as can be. To the second is
// enough, and saves most of the writes.
func (m *mutation) seen(ctx context.Context) error {
	if m.by.Role != redline.RoleSupplier {
		return nil
	}
	_, err := m.tx.ExecContext(ctx, `UPDATE suppliers SET last_seen_at = clock_timestamp() WHERE id IN (
			SELECT id FROM suppliers WHERE code = ANY($1)
				AND (last_seen_at IS NULL OR last_seen_at < clock_timestamp() - interval '1 second')
			ORDER BY id FOR NO KEY UPDATE)`, pq.Array(m.by.Suppliers))
	if err != nil {
		return dbError("noting when suppliers were seen", err)
	}
	return nil
}
