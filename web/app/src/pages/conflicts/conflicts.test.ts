import { describe, expect, it } from "vitest";
import type { Viewer } from "../../api/session";
import { sides, summaryOf, type Conflict } from "./facts";
import { inbox } from "./inbox";
import { firstMapping, mappingInput } from "./MappingFields";
import { settling } from "./settle";

const facts = (of: Record<string, string>) => Object.entries(of).map(([name, value]) => ({ name, value }));
const conflict = (id: string, more: Partial<Conflict> = {}): Conflict => ({
  id,
  kind: "OVERSOLD",
  status: "OPEN",
  version: 1,
  summary: "",
  supplier: null,
  facts: [],
  resolution: null,
  openedAt: "2026-11-01T08:00:00Z",
  resolvedAt: null,
  subject: null,
  ...more,
});

describe("the sides", () => {
  it("of what is oversold: what is there, and what was promised", () => {
    const { shared, pairs } = sides({ status: "OPEN", subject: null, kind: "OVERSOLD", facts: facts({ sku: "NW-065", onHand: "5", committed: "9" }) });
    expect(shared).toEqual([{ name: "SKU", value: "NW-065" }]);
    expect(pairs).toEqual([{ about: "On hand", theirs: "5", ours: null }, { about: "Committed", theirs: null, ours: "9" }]);
  });
  it("pair what was shipped with what was left", () => {
    const { pairs } = sides({ status: "OPEN", subject: null, kind: "QUANTITY_EXCEEDS_ORDER", facts: facts({ order: "1", "shipped NW-065": "12", "left NW-065": "10", carrier: "UPS" }) });
    expect(pairs).toEqual([{ about: "NW-065", theirs: "12 shipped", ours: "10 left to ship" }, { about: "Carrier", theirs: "UPS", ours: null }]);
  });
  it("pair the costs, and have nothing where they aren't to be seen", () => {
    expect(sides({ status: "OPEN", subject: null, kind: "PRICE_MISMATCH", facts: facts({ supplierSku: "65", agreed: "1.5", stated: "2" }) }).pairs).toEqual([
      { about: "Cost of one of its units", theirs: "2", ours: "1.5" },
    ]);
    expect(sides({ status: "OPEN", subject: null, kind: "PRICE_MISMATCH", facts: [] })).toEqual({ shared: [], pairs: [] });
  });
  it("keep what is told several times, and SKUs as they are", () => {
    const { pairs, shared } = sides({ status: "OPEN", subject: null, kind: "UNMAPPED_SKU", facts: [...facts({ supplierSku: "00123456", quantity: "3" }), ...facts({ quantity: "4" })] });
    expect(shared).toEqual([{ name: "Supplier's SKU", value: "00123456" }]);
    expect(pairs.map((p) => p.theirs ?? p.ours)).toEqual(["Nothing yet", "3", "4"]);
  });
});

describe("the summary", () => {
  const supplier = { id: "sup_1", code: "tokyo-traders", name: "Tokyo Traders" };
  it("has names for codes, and units in words", () => {
    const text = 'tokyo-traders counts "9" by the PAIR, which is not mapped.';
    expect(summaryOf(conflict("c", { kind: "PACK_MISMATCH", summary: text, supplier, facts: facts({ unit: "PAIR" }) }))).toBe(
      'Tokyo Traders counts "9" by the pair, which is not mapped.',
    );
  });
  it("leaves what only looks like the code, and what it doesn't know", () => {
    const text = "Goods of order tokyo-traders-7 have left; 3 PAIR.";
    expect(summaryOf(conflict("c", { summary: text, supplier }))).toBe(text);
    expect(summaryOf(conflict("c", { summary: "tokyo-traders is silent." }))).toBe("tokyo-traders is silent.");
  });
});

describe("the inbox", () => {
  it("has what is open first, and of each the newest", () => {
    const all = [
      conflict("old", { openedAt: "2026-11-01T08:00:00Z" }),
      conflict("done", { status: "RESOLVED", openedAt: "2026-11-09T08:00:00Z", resolvedAt: "2026-11-09T09:00:00Z" }),
      conflict("new", { openedAt: "2026-11-02T08:00:00Z", kind: "STALE_FEED" }),
    ];
    const filter = { kind: "", supplier: "", openOnly: false } as const;
    expect(inbox(all, filter).map((c) => c.id)).toEqual(["new", "old", "done"]);
    expect(inbox(all, { ...filter, openOnly: true }).map((c) => c.id)).toEqual(["new", "old"]);
    expect(inbox(all, { ...filter, kind: "OVERSOLD" }).map((c) => c.id)).toEqual(["old", "done"]);
  });
});

describe("settling", () => {
  const viewer = (...scopes: string[]): Viewer => ({ subject: "s", role: "OPERATOR", scopes, suppliers: [], expiresAt: null });
  it("takes the scopes that its kind takes", () => {
    expect(settling(conflict("c"), viewer("conflicts:read"))).toMatchObject({ dismiss: false, resolve: false });
    expect(settling(conflict("c"), viewer("conflicts:write"))).toEqual({ dismiss: true, resolve: true, why: null });
    expect(settling(conflict("c", { kind: "UNMAPPED_SKU" }), viewer("conflicts:write"))).toMatchObject({ dismiss: true, resolve: false });
    expect(settling(conflict("c", { kind: "UNMAPPED_SKU" }), viewer("conflicts:write", "catalog:write")).resolve).toBe(true);
    expect(settling(conflict("c", { kind: "PRICE_MISMATCH" }), viewer("conflicts:write")).why).toContain("catalog:cost");
  });
  it("is over once it is settled", () => {
    expect(settling(conflict("c", { status: "DISMISSED" }), viewer("conflicts:write")).dismiss).toBe(false);
  });
});

describe("a mapping", () => {
  it("begins with the unit that the feed named", () => {
    expect(firstMapping(conflict("c", { facts: facts({ unit: "BOX" }) }))).toEqual({ product: null, unit: "BOX", pack: "" });
  });
  it("is sent once all of it is said", () => {
    const product = { id: "prod_1", sku: "s", name: "n", baseUnit: "BOTTLE" } as const;
    expect(mappingInput({ product, unit: "CASE", pack: "" })).toBeNull();
    expect(mappingInput({ product, unit: "CASE", pack: "1.5" })).toBeNull();
    expect(mappingInput({ product: null, unit: "CASE", pack: "3" })).toBeNull();
    expect(mappingInput({ product, unit: "CASE", pack: "24" })).toEqual({ productId: "prod_1", unit: "CASE", packQuantity: 24 });
  });
});
