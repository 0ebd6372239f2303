// Package measure is what the benchmarks share: processes that end with the
// program, the real server on a private Postgres, what a process costs the
// machine, and where a table goes.
package measure
