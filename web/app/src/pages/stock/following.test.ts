import { expect, test } from "vitest";
import { partOf } from "./following";
import { noFilter, optionsOf, ownSupplier } from "./view";

const places = [
  { id: "loc_1", code: "WH-EAST", supplier: null },
  { id: "loc_2", code: "tokyo", supplier: { id: "sup_1", name: "Tokyo Traders" } },
  { id: "loc_3", code: "WH-CENTRAL", supplier: null },
];

test("the part of stock that a filter names", () => {
  const part = (filter: Partial<typeof noFilter>) => partOf({ ...noFilter, ...filter }, places);
  expect(part({ low: true, category: "Seafood", search: "lax" })).toBe(null);
  expect(part({ supplier: "sup_1" })).toEqual({ supplierId: "sup_1" });
  expect(part({ supplier: ownSupplier })).toEqual({ locationIds: ["loc_1", "loc_3"] });
  expect(part({ supplier: "sup_1", location: "loc_2" })).toEqual({ locationIds: ["loc_2"] });
});

test("what there is to choose from, in order", () => {
  expect(optionsOf(places)).toEqual({
    suppliers: [{ value: ownSupplier, label: "Our own locations" }, { value: "sup_1", label: "Tokyo Traders" }],
    locations: [{ value: "loc_2", label: "tokyo" }, { value: "loc_3", label: "WH-CENTRAL" }, { value: "loc_1", label: "WH-EAST" }],
  });
});
