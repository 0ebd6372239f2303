package store

import (
	"context"
	"errors"

	"redline"
)

// errPending stands where a repository's method is still being built.
var errPending = errors.New("this is being built")
