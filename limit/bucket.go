package limit

import (
	"time"

	"redline"
)

// Bucket is how much is let through: Rate points a second in the long run, and Burst
// at once. A Rate of 0 lets everything through.
type Bucket struct {
	Rate  float64
	Burst int64
}

// each is how long it takes for one point to come back, in microseconds.
func (b Bucket) each() float64 { return 1e6 / b.Rate }

// level is how a bucket stands.
type level struct {
	allowed bool
	// full is when it will be full, in microseconds.
	full float64
	// wait is how long it is until what was asked for is there, in microseconds.
	wait float64
}

// take is what taking points of a bucket comes to, that will be full at a moment.
// The script in redis.go computes the same.
func (b Bucket) take(full, now float64, points int64) level {
	full = max(full, now)
	after := full + float64(points)*b.each()
	wait := min(after-float64(b.Burst)*b.each(), full) - now
	if wait > 0 {
		return level{full: full, wait: wait}
	}
	return level{allowed: true, full: after}
}

// allowance says how a bucket stands to who asks.
func (b Bucket) allowance(l level, now float64, by string) redline.Allowance {
	return redline.Allowance{
		Allowed: l.allowed, By: by, Limit: b.Burst, RestorePerSecond: b.Rate,
		// A hair more, so that a point isn't lost to rounding.
		Remaining:  max(b.Burst-int64((l.full-now)/b.each()+1-1e-6), 0),
		RetryAfter: time.Duration(l.wait * float64(time.Microsecond)),
	}
}
