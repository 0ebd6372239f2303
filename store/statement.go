package store

import "strings"

// unnamed is the name of a statement without one: of a migration, say.
const unnamed = "other"

// Each statement that a store sends begins with a comment that names it, as in
//
//	/* orders.page */ SELECT …
//
// so that pg_stat_activity, pg_stat_statements, Postgres' log, the metrics and the
// traces call it the same. The name is a constant of the program: what callers ask
// for is never part of it.

// statementName is the name that a statement's text begins with.
func statementName(text string) string {
	rest, ok := strings.CutPrefix(text, "/* ")
	if !ok {
		return unnamed
	}
	name, _, ok := strings.Cut(rest, " */")
	if !ok {
		return unnamed
	}
	return name
}
