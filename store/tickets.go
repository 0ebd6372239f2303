package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"redline"
)

// ticketBytes are as many as nobody can guess.
const ticketBytes = 32

// errNoTicket is said of what never was a ticket and of what no longer is one.
var errNoTicket = redline.Errorf(redline.CodeUnauthenticated, nil, "this ticket is not known, or has expired")

// TicketIssue returns a ticket: a text of 43 characters, fit for a URL, that stands for
// the principal and what it asks, any number of times until it expires. That is when
// the principal's token does; without a token there is no ticket. Who has it is the
// principal; the database knows only its hash.
func (s *Store) TicketIssue(ctx context.Context, p redline.Principal, operation redline.Operation) (ticket string, expires time.Time, err error) {
	if p.ExpiresAt.IsZero() {
		return "", time.Time{}, redline.Errorf(redline.CodeUnauthenticated, nil, "a ticket is given for a token")
	}
	secret := make([]byte, ticketBytes)
	if _, err := rand.Read(secret); err != nil {
		return "", time.Time{}, fmt.Errorf("making a ticket: %w", err)
	}
	hash := sha256.Sum256(secret)
	by, err := jsonText(p)
	if err != nil {
		return "", time.Time{}, err
	}
	asks, err := json.Marshal(operation)
	if err != nil {
		return "", time.Time{}, redline.Invalid([]string{"variables"}, "the variables are not JSON").Because(err)
	}
	asks = bytes.ToValidUTF8(asks, []byte("\uFFFD")) // Postgres takes nothing else, and variables are as they came
	tx, release, err := s.begin(ctx, false)
	if err != nil {
		return "", time.Time{}, err
	}
	defer release()
	err = tx.QueryRowxContext(ctx, `/* tickets.insert */ INSERT INTO tickets (hash, principal, operation, expires_at)
		VALUES ($1, $2, $3, $4) RETURNING expires_at`, hash[:], by, string(asks), p.ExpiresAt).Scan(&expires)
	if err != nil {
		return "", time.Time{}, dbError("writing a ticket", err)
	}
	if err := tx.Commit(); err != nil {
		return "", time.Time{}, dbError("committing a ticket", err)
	}
	return base64.RawURLEncoding.EncodeToString(secret), expires, nil
}

// TicketOpen returns whom a ticket stands for, as it was when it was issued, and what
// it asks. Of an unknown ticket, an expired one and that of a client that was revoked
// the same UNAUTHENTICATED is said.
func (s *Store) TicketOpen(ctx context.Context, ticket string) (redline.Principal, redline.Operation, error) {
	var p redline.Principal
	var operation redline.Operation
	secret, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	if err != nil || len(secret) != ticketBytes {
		return p, operation, errNoTicket
	}
	hash := sha256.Sum256(secret)
	var rows []struct{ Principal, Operation []byte }
	err = s.look(ctx, "reading a ticket", &rows, `/* tickets.by_hash */ SELECT principal, operation FROM tickets WHERE hash = $1 AND expires_at > clock_timestamp()`, hash[:])
	if err != nil {
		return p, operation, err
	}
	if len(rows) == 0 {
		return p, operation, errNoTicket
	}
	if err := json.Unmarshal(rows[0].Principal, &p); err != nil {
		return redline.Principal{}, operation, fmt.Errorf("reading whom a ticket is of: %w", err)
	}
	if s.Revoked(p) {
		return redline.Principal{}, operation, errNoTicket
	}
	if err := json.Unmarshal(rows[0].Operation, &operation); err != nil {
		return redline.Principal{}, redline.Operation{}, fmt.Errorf("reading what a ticket asks: %w", err)
	}
	return p, operation, nil
}
