import { describe, expect, test } from "vitest";
import { createDisplay, nextSpeed } from "./display";

describe("the display", () => {
  test("goes from speed to speed and stays at the ends", () => {
    expect(nextSpeed(15, 1)).toBe(20);
    expect(nextSpeed(12.5, -1)).toBe(10);
    expect(nextSpeed(60, 1)).toBe(60);
    expect(nextSpeed(1, -1)).toBe(1);
  });

  const opened = { caseId: "a", modality: "CT", preferences: {} };

  test("takes the magnifier on to the next case, and stops the cine", () => {
    createDisplay(opened).setState({ magnifier: true, playing: true, cross: [1, 2, 3] });
    expect(createDisplay(opened).getState()).toMatchObject({ magnifier: true, playing: false, cross: null });
    createDisplay(opened).setState({ magnifier: false });
  });

  test("opens in the layout that the person chose for the modality", () => {
    const preferences = { layouts: { CT: "mpr", MG: "2x2" } as const, linked: false };
    expect(createDisplay({ ...opened, preferences }).getState()).toMatchObject({ layout: "mpr", linked: false });
    expect(createDisplay({ ...opened, modality: "MR", preferences }).getState()).toMatchObject({
      layout: "1x1",
      chosen: false,
    });
  });
});
