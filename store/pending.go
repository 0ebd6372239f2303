package store

import "errors"

// errPending stands where a repository's method is still being built.
var errPending = errors.New("this is being built")
