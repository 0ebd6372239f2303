package redline

import "context"

type contextKey int

const (
	principalKey contextKey = iota
	requestIDKey
	addressKey
	resumedKey
)

// WithPrincipal returns a context that says who is asking.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey, p)
}

// PrincipalFrom says who is asking; without a word on it, nobody we know: the
// anonymous storefront.
func PrincipalFrom(ctx context.Context) Principal {
	if p, ok := ctx.Value(principalKey).(Principal); ok {
		return p
	}
	return Anonymous()
}

// WithRequestID returns a context that names the request, for logs, errors and
// the audit.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey, id)
}

// RequestIDFrom names the request, or returns "".
func RequestIDFrom(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey).(string)
	return id
}

// WithAddress returns a context that says from which address the request comes,
// for limits and logs.
func WithAddress(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, addressKey, address)
}

// AddressFrom is the address of the client, without its port, as far as it can be
// trusted: that of the peer that connected, or the one that a trusted proxy names.
// It is "" where nobody said.
func AddressFrom(ctx context.Context) string {
	address, _ := ctx.Value(addressKey).(string)
	return address
}

// WithResumed returns a context that says that an operation is begun once more by
// the gateway itself, for somebody whose asking was let in before: no limit counts
// it again.
func WithResumed(ctx context.Context) context.Context {
	return context.WithValue(ctx, resumedKey, true)
}

// Resumed reports whether the gateway itself has begun the operation once more.
func Resumed(ctx context.Context) bool {
	resumed, _ := ctx.Value(resumedKey).(bool)
	return resumed
}
