package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/jmoiron/sqlx"

	"redline"
)

// keyMax is the longest idempotency key, in bytes.
const keyMax = 200

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

// claim is an idempotency key that calls want to take, and the lock that stands
// for it.
type claim struct {
	lock int64
	call *call
	// again are later calls with the same key.
	again []*call
}

// claimKeys takes the idempotency keys of calls for this transaction, and
// returns the calls that are to be done: those that took their keys, and those
// without one. The others are settled, with the outcome that their key has
// already or with why they can't be done. It never waits: whoever else holds a
// key is still at work, and of two calls with one key in a transaction the first is.
// hurry, where it isn't 0, bounds from then on how long the transaction waits for a
// lock; only calls with keys are ever in a hurry.
func claimKeys(ctx context.Context, tx *sqlx.Tx, calls []*call, hurry time.Duration) ([]*call, error) {
	var mine []*call
	claims := make([]*claim, 0, len(calls))
	for _, c := range calls {
		if err := checkKey(c.key); err != nil {
			c.settled, c.err = true, err
			continue
		}
		mine = append(mine, c)
		if c.key != nil {
			claims = append(claims, &claim{lock: c.keyLock(), call: c})
		}
	}
	if len(claims) == 0 {
		return mine, nil
	}
	// The sort is stable: the first of several calls with one key stays the first.
	slices.SortStableFunc(claims, func(a, b *claim) int { return cmp.Compare(a.lock, b.lock) })
	distinct := claims[:1]
	for _, c := range claims[1:] {
		last := distinct[len(distinct)-1]
		switch {
		case last.lock != c.lock:
			distinct = append(distinct, c)
		case last.call.sameKey(c.call):
			last.again = append(last.again, c.call)
		default: // two keys with one lock, which nobody ought to live to see
			c.call.settleBy(nil, nil)
		}
	}
	if err := takeKeys(ctx, tx, distinct, hurry); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(mine, func(c *call) bool { return c.settled }), nil
}

// keyLock is the lock that stands for a call's key.
func (c *call) keyLock() int64 {
	id := sha256.Sum256([]byte(strings.Join([]string{c.by.Issuer, c.by.Subject, c.action, *c.key}, "\x00")))
	return int64(binary.BigEndian.Uint64(id[:8]))
}

// takeKeyOf takes the key of another's call that was refused, to do what it asked
// for: before rows are locked, as all keys are. It waits for whoever is at work with
// the key, who waits for no key in turn. It reports false where the key has come to
// something else by now.
func (m *mutation) takeKeyOf(ctx context.Context, c *call) (bool, error) {
	if _, err := m.tx.ExecContext(ctx, `/* idempotency.wait */ SELECT pg_advisory_xact_lock($1)`, c.keyLock()); err != nil {
		return false, dbError("waiting for an idempotency key", err)
	}
	mine, err := claimKeys(ctx, m.tx, []*call{c}, 0)
	return len(mine) > 0, err
}

// keyTaken reports whether the key of a call has come to something since it was
// taken: see takeKeys. It is for one that ends without a row of its own, under a
// lock that whoever did the same had.
func (m *mutation) keyTaken(ctx context.Context) (bool, error) {
	var taken bool
	err := m.tx.GetContext(ctx, &taken, `/* idempotency.taken */ SELECT EXISTS (SELECT 1 FROM idempotency_keys WHERE (issuer, subject, operation, key) = ($1, $2, $3, $4))`,
		m.by.Issuer, m.by.Subject, m.action, *m.key)
	if err != nil {
		return false, dbError("looking for an idempotency key again", err)
	}
	return taken, nil
}

// sameKey reports whether two calls have the same key.
func (c *call) sameKey(d *call) bool {
	return c.by.Issuer == d.by.Issuer && c.by.Subject == d.by.Subject && c.action == d.action && *c.key == *d.key
}

// takeKeys locks the keys of claims and settles the calls that don't get one.
func takeKeys(ctx context.Context, tx *sqlx.Tx, claims []*claim, hurry time.Duration) error {
	locks, issuers, subjects, operations, keys := bigints(), texts(), texts(), texts(), texts()
	for _, c := range claims {
		locks.bigint(c.lock)
		issuers.text(c.call.by.Issuer)
		subjects.text(c.call.by.Subject)
		operations.text(c.call.action)
		keys.text(*c.call.key)
	}
	var n int
	var locked bool
	var hash, outcome []byte
	var hurried *string
	// Should a key's row have been committed between this statement's snapshot
	// and its lock, writing it again fails, and the transaction is run again.
	return scanRows(ctx, tx, "taking idempotency keys", `/* idempotency.take */ SELECT c.n, pg_try_advisory_xact_lock(c.lock), k.input_hash, k.outcome,
			CASE WHEN c.n = 1 AND $6::bigint > 0 THEN set_config('lock_timeout', $6::bigint::text, true) END
		FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY
			AS c (lock, issuer, subject, operation, key, n)
		LEFT JOIN idempotency_keys k ON (k.issuer, k.subject, k.operation, k.key) = (c.issuer, c.subject, c.operation, c.key)`,
		[]any{locks, issuers, subjects, operations, keys, hurry.Milliseconds()},
		[]any{&n, &locked, &hash, &outcome, &hurried}, func() error {
			c := claims[n-1]
			if outcome != nil || !locked {
				c.call.settleBy(hash, outcome)
			}
			for _, again := range c.again {
				again.settleBy(hash, outcome)
			}
			return nil
		})
}

// settleBy settles a call by the row of its key, or, where there is none, by
// somebody being at work with it.
func (c *call) settleBy(hash, outcome []byte) {
	c.settled = true
	field := []string{"idempotencyKey"}
	switch {
	case outcome == nil:
		e := redline.Errorf(redline.CodeIdempotencyInProgress, field, "a call with this key is being worked on; ask again shortly")
		e.RetryAfter = retryAfter
		c.err = e
	case !slices.Equal(hash, c.hash):
		c.err = redline.Errorf(redline.CodeIdempotencyKeyReused, field, "this key was used before with another input")
	default:
		c.replay = outcome
	}
}
