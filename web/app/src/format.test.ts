import { expect, test } from "vitest";
import { counted, dateTime, day, inUnits, readable, unitName } from "./format";

test("times in a text are written as the reader writes them", () => {
  const [at, other] = ["2026-11-29T02:03:43Z", "2026-01-05T10:00:00.25+01:00"];
  expect(readable(`Silent since ${at}; before that, ${other}.`)).toBe(`Silent since ${dateTime(at)}; before that, ${dateTime(other)}.`);
});

test.each(["Order 100241, part 2026-11-29.", "AT2026-11-29T02:03:43", "It was 2026-13-45T99:00:00Z.", ""])("what is no time stays: %s", (text) => {
  expect(readable(text)).toBe(text);
});

test("units are counted", () => {
  expect(inUnits(1, "CASE")).toBe("1 case");
  expect(inUnits(1_500, "CASE")).toBe("1,500 cases");
  expect(inUnits(0, "BOX")).toBe("0 boxes");
  expect(unitName("PAIR")).toBe("pair");
  expect(unitName("FURLONG")).toBe(null);
  expect(counted(1, "level")).toBe("1 level");
});

test("a day is short", () => {
  expect(day("2026-11-28T12:00:00Z")).toBe("28 Nov");
});
