// Package graph is the GraphQL door: resolvers that decode, make one call and
// return, and the loading, errors and rights around them.
//
// A document is compiled into a plan once. A root resolver reads its objects
// with one call of the store. A preloader then follows the plan level by level
// and fills what else was asked for, with one call for each kind of thing and
// level, so that the generated code that writes the objects only reads fields of
// structs. Nothing waits for a batch to fill up, and no field has a goroutine, a
// context or a query of its own.
//
// What is generated comes from schema.graphqls and gqlgen.yml: gqlgen's code,
// which ends at the root fields, and the writers of objects beside it.
package graph

//go:generate go run -pgo=off ./gen
