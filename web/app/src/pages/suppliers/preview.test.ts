import { describe, expect, it } from "vitest";
import { previewOf, type Level } from "./preview";

const level = (id: string, onHand: number): Level => ({
  id,
  onHand,
  product: { id: `p${id}`, sku: `SKU-${id}`, name: `Product ${id}` },
  location: { id: "l", code: "EAST" },
});
const row = (index: number, after: Level | null, ...codes: string[]) => ({
  index,
  level: after,
  userErrors: codes.map((code) => ({ code: code as "INVALID", message: code, field: null })),
});
const rows = [{ supplierSku: "1" }, { supplierSku: "2" }, { supplierSku: "3" }];
const places = ["line 2", "line 3", "line 4"];

describe("the preview of a feed", () => {
  it("tells what changes, by how much, the most first", () => {
    const now = [level("a", 10), level("b", 20), level("c", 5)];
    const answer = { held: false, emptied: 0, rows: [row(0, level("a", 12)), row(1, level("b", 0)), row(2, level("c", 5))] };
    const p = previewOf(answer, now, rows, places);
    expect(p.changes.map((e) => [e.place, e.supplierSku, e.before, e.after])).toEqual([
      ["line 3", "2", 20, 0],
      ["line 2", "1", 10, 12],
    ]);
    expect(p.unchanged).toBe(1);
  });

  it("tells of a level that there isn't yet", () => {
    const p = previewOf({ held: false, emptied: 0, rows: [row(0, level("new", 7))] }, [], rows, places);
    expect(p.changes).toMatchObject([{ before: null, after: 7 }]);
  });

  it("keeps rows that are rejected apart, each with its place and why", () => {
    const p = previewOf({ held: false, emptied: 0, rows: [row(0, null, "UNMAPPED_SKU")] }, [level("a", 1)], rows, places);
    expect(p.changes).toEqual([]);
    expect(p.rejected).toMatchObject([{ place: "line 2", supplierSku: "1", errors: [{ code: "UNMAPPED_SKU" }] }]);
  });

  it("lists what a full feed leaves out", () => {
    const now = [level("a", 10), level("b", 20), level("c", 0)];
    const p = previewOf({ held: true, emptied: 1, rows: [row(0, level("a", 10))] }, now, rows, places);
    expect(p.changes).toMatchObject([{ key: "b", place: null, before: 20, after: 0 }]);
    expect([p.emptied, p.held]).toEqual([1, true]);
  });

  it("only counts them where a rejected row may have meant one of them", () => {
    const now = [level("a", 10), level("b", 20)];
    const p = previewOf({ held: false, emptied: 1, rows: [row(0, null, "PACK_MISMATCH")] }, now, rows, places);
    expect(p.changes).toEqual([]);
    expect(p.emptied).toBe(1);
  });
});
