package redline

import "time"

// Allowance is what a rate limit says of one operation.
type Allowance struct {
	// Allowed says whether it may run; where it may, its points were taken.
	Allowed bool
	// By is whose bucket the other figures are of: BucketPrincipal or BucketAddress.
	// Of two that let an operation in it is the one with less left.
	By string
	// Limit is how many points the bucket holds, and Remaining how many are left.
	Limit, Remaining int64
	// RestorePerSecond is how many points come back in a second.
	RestorePerSecond float64
	// RetryAfter is how long it is until the operation would be let in.
	RetryAfter time.Duration
}

// The buckets of a rate limit.
const (
	BucketPrincipal = "principal"
	BucketAddress   = "address"
)
