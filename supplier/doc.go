// Package supplier reads the documents in which suppliers state their stock:
// CSV, JSON lines, and ASC X12 846 Inventory Inquiry/Advice.
//
// Each format is a Format: a document goes in, and a Feed comes out whose rows
// are those of the contract's SupplierFeedRow, each with its place in the
// document. Nothing is guessed and nothing is left out: a document that can't be
// read exactly is refused as a whole, since a row that is missing from a FULL
// feed says that there is no stock. All that is wrong with it is told at once,
// up to MaxProblems, by line or segment and by column, member or element.
//
// What the contract can say but may not mean, such as a quantity below zero or
// a SKU that nobody knows, is the gateway's to judge, row by row.
//
// Memory is bounded by MaxBytes and MaxRows, whatever a document holds.
package supplier
