import { expect, test } from "vitest";
import { windowOf } from "./window";

test("before there is a value it ends now", () => {
  expect(windowOf([], 300, 0, 10_000)).toEqual({ min: 9_700, max: 10_000 });
});

test("one value is at its end", () => {
  expect(windowOf([9_990], 300, 0, 10_000)).toEqual({ min: 9_690, max: 9_990 });
});

test("values that go back further widen it, and the last has its width", () => {
  expect(windowOf([0, 500], 300, 60, 10_000)).toEqual({ min: 0, max: 560 });
});
