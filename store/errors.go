package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/lib/pq"

	"redline"
)

// The SQLSTATEs that the repositories act on (Postgres manual, appendix A).
const (
	uniqueViolation      = "23505"
	checkViolation       = "23514"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
	inRecovery           = "55000" // object_not_in_prerequisite_state
	queryCanceled        = "57014"
	// featureNotSupported is what Postgres says of a prepared statement whose
	// columns have other types now, and unknownStatement of one that was discarded.
	featureNotSupported = "0A000"
	unknownStatement    = "26000"
)

// violates reports whether err is the violation of one named constraint.
func violates(err error, constraint string) bool {
	var pe *pq.Error
	return errors.As(err, &pe) && pe.Constraint == constraint
}

// passing reports whether the same transaction may well succeed if it is run
// again.
func passing(err error) bool {
	if errors.Is(err, errMoved) || violates(err, "idempotency_keys_pkey") { // another call with the key was committed meanwhile
		return true
	}
	var due *errDue
	if errors.As(err, &due) { // which are released before it is run again
		return true
	}
	var pe *pq.Error
	if !errors.As(err, &pe) {
		return false
	}
	switch pe.Code {
	case serializationFailure, deadlockDetected:
		return true
	case featureNotSupported, unknownStatement: // a prepared statement, which is forgotten by now
		return true
	}
	return false
}

// waited reports whether a transaction ended because it waited too long for
// what others hold.
func waited(err error) bool {
	var pe *pq.Error
	return errors.As(err, &pe) && (pe.Code == lockNotAvailable || pe.Code == queryCanceled)
}

// Broken reports whether an error says that a connection to the database ended or
// never came to be, whoever is to blame for it.
func Broken(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// dbError wraps an error of the database with what was being done. Where the
// database can't be reached, shuts down or is too slow, it is UNAVAILABLE, and the
// cause stays for the log.
func dbError(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	var pe *pq.Error
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &pe):
		// Class 57: the operator intervened, or a statement took longer than it
		// may; 53: out of connections or memory; 08: the connection. And a standby that
		// isn't the primary yet has no position to write at.
		if pe.Code.Class() != "57" && pe.Code.Class() != "53" && pe.Code.Class() != "08" && pe.Code != lockNotAvailable && pe.Code != inRecovery {
			return err
		}
	case !Broken(err) && !errors.Is(err, context.DeadlineExceeded):
		return err
	}
	unavailable := &redline.Error{
		Code: redline.CodeUnavailable, RetryAfter: time.Second,
		Message: "the database can't answer now; try again shortly",
	}
	return unavailable.Because(err)
}
