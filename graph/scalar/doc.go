// Package scalar reads and writes the contract's scalars. They are stricter
// than gqlgen's own: nothing is coerced from another type, an Int has 32 bits
// and texts are such as the database can hold. What is refused is a
// redline.Error with the code INVALID, whose path the executor adds.
package scalar
