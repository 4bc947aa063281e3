import { describe, expect, test } from "vitest";
import { createDisplay, nextSpeed } from "./display";

describe("the display", () => {
  test("goes from speed to speed and stays at the ends", () => {
    expect(nextSpeed(15, 1)).toBe(20);
    expect(nextSpeed(12.5, -1)).toBe(10);
    expect(nextSpeed(60, 1)).toBe(60);
    expect(nextSpeed(1, -1)).toBe(1);
  });

  test("takes layout and magnifier on to the next case, and stops the cine", () => {
    createDisplay().setState({ layout: "mpr", magnifier: true, playing: true, cross: [1, 2, 3] });
    expect(createDisplay().getState()).toMatchObject({
      layout: "mpr",
      magnifier: true,
      playing: false,
      cross: null,
    });
    createDisplay().setState({ layout: "single", magnifier: false });
  });
});
