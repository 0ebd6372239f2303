package server

import (
	"cmp"
	"errors"

	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// DefaultDocumentCacheBytes is about what the cache of valid documents takes
// at most.
const DefaultDocumentCacheBytes = 32 << 20

// ExecOptions says what an executor takes in.
type ExecOptions struct {
	// Limits on each document. Zeros stand for DefaultLimits.
	Limits Limits
	// Introspection allows __schema and __type, and lets errors suggest names
	// from the schema. For development.
	Introspection bool
	// DocumentCacheBytes is how much memory valid documents are kept in, about,
	// so that they are parsed and validated once. Default 32 MiB.
	DocumentCacheBytes int
}

// ConfigureExecutor gives an executor its limits, its validation rules and its
// document cache. It is called once, before the executor serves anything, and
// replaces what was set of these before.
//
// Whatever transport an operation comes by, it is then refused with one error,
// code LIMIT_EXCEEDED, before it costs anything; and an invalid one with ten
// errors at most.
func ConfigureExecutor(exec *executor.Executor, options ExecOptions) error {
	limits, err := options.Limits.complete()
	if err != nil {
		return err
	}
	if options.DocumentCacheBytes < 0 {
		return errors.New("server: DocumentCacheBytes is negative")
	}
	documents := newDocumentCache(cmp.Or(options.DocumentCacheBytes, DefaultDocumentCacheBytes))
	exec.SetQueryCache(documents)
	exec.SetParserTokenLimit(limits.Tokens)
	exec.SetDisableSuggestion(!options.Introspection)
	exec.SetDefaultRulesFn(func() *rules.Rules { return validationRules(options.Introspection) })
	exec.Use(&guard{limits: limits, documents: documents, introspection: options.Introspection})
	return nil
}
