// Package limit counts what callers ask for: a rate limit by the cost of operations,
// for each principal and for each address.
//
// A bucket holds so many points at most, its burst, and gets back so many a second,
// its rate. An operation takes its cost out of its principal's bucket and out of its
// address', or out of neither where one of them has too little. One that costs more
// than a bucket holds is let in when the bucket is full, and paid off afterwards: it
// keeps everything else of that caller out for longer.
//
// A bucket is kept as the moment at which it will be full again (the generic cell rate
// algorithm of ITU-T I.371, appendix A): one number, which needs no one to fill it.
//
// Without Redis each gateway counts for itself. With it all gateways share the buckets,
// by one script that looks at both of a caller's buckets at once. Where Redis is away
// or slow the gateway counts for itself again, at once: a breaker keeps requests from
// waiting for it one after the other. Losing Redis never costs an answer, and no more
// than that each gateway lets through on its own what all were to together.
package limit
