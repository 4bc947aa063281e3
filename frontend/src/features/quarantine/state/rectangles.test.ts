import { describe, expect, it } from "vitest";
import { between, changed, strip } from "@/features/quarantine/state/rectangles";

const size = { rows: 100, columns: 200 };

describe("a rectangle over burnt-in text", () => {
  it("holds every pixel that the pointer touched, drawn in any direction", () => {
    expect(between([30.6, 20.2], [10.4, 5.9], size)).toEqual([10, 5, 21, 16]);
  });
  it("ends at the image's edge", () => {
    expect(between([190, 90], [500, 500], size)).toEqual([190, 90, 10, 10]);
  });
  it("is none where nothing was drawn", () => {
    expect(between([5, 5], [5, 5], size)).toBeNull();
  });
  it("stays inside when a number is typed", () => {
    expect(changed([0, 0, 50, 10], 2, 900, size)).toEqual([0, 0, 200, 10]);
    expect(changed([0, 0, 50, 10], 0, 250, size)).toEqual([199, 0, 1, 10]);
  });
  it("can begin as a strip over the upper end", () => {
    expect(strip(size)).toEqual([0, 0, 200, 8]);
  });
});
