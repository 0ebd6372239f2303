import { describe, expect, it } from "vitest";
import { keepsKey, outcomeOf } from "./intent";
import { place } from "./places";

const error = (field: string[] | null, message = "it is wrong", code = "INVALID") => ({ code, message, field });

describe("userErrors", () => {
  const places = { reason: "reason", "lines.0.quantity": "a", "lines.1.quantity": "b", mapping: "product", "mapping.unit": "unit" };
  it("stand next to the field of their path", () => {
    expect(place([error(["lines", "1", "quantity"]), error(["reason"], "say why")], places)).toEqual({
      at: { b: "It is wrong.", reason: "Say why." },
      rest: [],
    });
  });
  it("stand next to what their path begins with", () => {
    expect(place([error(["mapping", "unit"]), error(["mapping", "else"])], places).at).toEqual({ unit: "It is wrong.", product: "It is wrong." });
  });
  it("of no field are left for all to see", () => {
    const [none, elsewhere, shorter] = [error(null), error(["orderId"]), error(["lines"])];
    expect(place([none, elsewhere, shorter], places)).toEqual({ at: {}, rest: [none, elsewhere, shorter] });
  });
  it("of one field are said together", () => {
    expect(place([error(["reason"], "say why"), error(["reason"], "in fewer words.")], places).at).toEqual({ reason: "Say why. In fewer words." });
  });
});

describe("an intent", () => {
  const fault = { code: "OFFLINE", message: "gone", requestId: null };
  it("is done, whatever of the payload the viewer may not see", () => {
    expect(outcomeOf({ orderHold: { userErrors: [], replayed: true } }, fault)).toMatchObject({ done: true, replayed: true });
  });
  it("keeps its key where nobody knows what came of it", () => {
    expect(keepsKey(outcomeOf(null, fault))).toBe(true);
    expect(keepsKey(outcomeOf({ orderHold: { userErrors: [error(null, "wait", "IDEMPOTENCY_IN_PROGRESS")], replayed: false } }, undefined))).toBe(true);
  });
  it("is another once it was refused", () => {
    expect(keepsKey(outcomeOf({ orderHold: { userErrors: [error(null, "moved on", "VERSION_MISMATCH")], replayed: false } }, undefined))).toBe(false);
  });
});
