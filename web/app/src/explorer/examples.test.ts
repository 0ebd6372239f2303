import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { buildSchema, parse, validate } from "graphql";
import { describe, expect, it } from "vitest";
import { examples, examplesFor, type Role } from "./examples";

const schema = buildSchema(readFileSync(resolve(import.meta.dirname, "../../../../schema.graphqls"), "utf8"));

describe("the examples", () => {
  it.each(examples.map((e) => [e.title, e] as const))("%s is valid by the contract", (_, example) => {
    const document = parse(example.query);
    expect(validate(schema, document)).toEqual([]);
    // A tab is called what its operation is.
    for (const d of document.definitions) expect("name" in d && d.name?.value).toBeTruthy();
  });

  it.each(["STOREFRONT", "CUSTOMER", "SUPPLIER", "OPERATOR", "ADMIN"] as Role[])("%s has some of its own, which come first", (role) => {
    expect(examplesFor(role)[0]?.roles).toContain(role);
  });

  it("has for nobody what takes a token", () => {
    for (const e of examplesFor(null)) expect(e.roles).toContain("ANY");
  });
});
