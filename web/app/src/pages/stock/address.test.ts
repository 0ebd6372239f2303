import { expect, test } from "vitest";
import { parts } from "../../hash";
import { linkTo, read, write, type Shown } from "./address";
import { noFilter, plain } from "./view";

test("all levels in their plain order need no words", () => {
  expect(write({ filter: noFilter, sort: plain })).toBe("");
  expect(read("")).toEqual({ filter: noFilter, sort: plain });
});

test("a wall's address is short, and last moved is newest first", () => {
  const wall: Shown = { filter: { ...noFilter, low: true }, sort: { key: "moved", descending: true } };
  expect(write(wall)).toBe("low=1&sort=moved");
  expect(read("sort=moved&low=1")).toEqual(wall);
});

test.each<Shown>([
  { filter: { ...noFilter, search: "12 V & more?", category: "Seafood", stale: true }, sort: { key: "sku", descending: true } },
  { filter: { ...noFilter, supplier: "own", location: "a/b=" }, sort: { key: "available", descending: false } },
  { filter: noFilter, sort: { key: "moved", descending: false } },
])("what is written is read again", (shown) => {
  expect(read(write(shown))).toEqual(shown);
});

test("what isn't understood is left out", () => {
  expect(read("sort=colour&low=maybe&x=y")).toEqual({ filter: noFilter, sort: plain });
});

test("an address has a path and a search", () => {
  expect(parts("#/stock?sort=moved&low=1")).toEqual({ path: "/stock", search: "sort=moved&low=1" });
  expect(parts("#stock")).toEqual({ path: "/stock", search: "" });
  expect(parts("")).toEqual({ path: "/", search: "" });
  expect(parts(linkTo({ search: "why?" }))).toEqual({ path: "/stock", search: "search=why%3F" });
});
