import { describe, expect, test } from "vitest";
import { type Hangable, hangingOf } from "./hanging";

const image = (id: string, given: Partial<Hangable> = {}): Hangable => ({
  ...{ id, modality: "CT", bodyPart: "CHEST", laterality: "", view: "", relation: "prior" },
  ...given,
});
const breast = (id: string, relation: Hangable["relation"] = "this", laterality = "", view = "") =>
  image(id, { modality: "MG", bodyPart: "BREAST", relation, laterality, view });

describe("the usual arrangement", () => {
  test("hangs one radiograph or series by itself, and beside it the newest study of the same part first", () => {
    const own = image("now", { relation: "case" });
    const others = [
      image("skull", { bodyPart: "HEAD" }),
      image("last year"),
      image("before"),
      image("x", { modality: "DX" }),
    ];
    expect(hangingOf(own, others)).toEqual({
      layout: "1x1",
      cells: {
        "1x1": ["now"],
        "1x2": ["now", "last year"],
        "2x2": ["now", "last year", "before", "skull"],
      },
      cine: false,
    });
  });

  test("compares a radiograph with the same view of an older study, not with the other view", () => {
    const own = image("pa", { modality: "DX", view: "PA", relation: "case" });
    const others = [
      image("lat", { modality: "DX", view: "LL", relation: "this" }),
      image("old lat", { modality: "DX", view: "LL" }),
      image("old pa", { modality: "DX", view: "PA" }),
    ];
    expect(hangingOf(own, others).cells["1x2"]).toEqual(["pa", "old pa"]);
  });

  test("hangs a radiograph's last one of the same look beside it at once, and nothing else unasked", () => {
    const own = image("pa", { modality: "DX", view: "PA", relation: "case" });
    const layoutWith = (other: Partial<Hangable>) =>
      hangingOf(own, [image("other", { modality: "DX", view: "PA", ...other })]).layout;
    expect(layoutWith({})).toBe("1x2");
    expect(layoutWith({ view: "LL" })).toBe("1x1");
    expect(layoutWith({ relation: "this" })).toBe("1x1");
    expect(layoutWith({ relation: "undated" })).toBe("1x1");
    expect(layoutWith({ bodyPart: "HAND" })).toBe("1x1");
  });

  test("has the cine at hand for moving images", () => {
    expect(hangingOf(image("a", { modality: "US" }), []).cine).toBe(true);
    expect(hangingOf(image("a", { modality: "XA" }), []).cine).toBe(true);
    expect(hangingOf(image("a", { modality: "MR" }), []).cine).toBe(false);
  });

  test("hangs four mammograms with the right breast on the left, whichever of them is read", () => {
    const views: [string, string, string][] = [
      ["lmlo", "L", "MLO"],
      ["rcc", "R", "CC"],
      ["rmlo", "R", "MLO"],
      ["lcc", "L", "CC"],
    ];
    for (const [read] of views) {
      const study = views.map(([id, side, view]) => breast(id, id === read ? "case" : "this", side, view));
      const own = study.find(({ id }) => id === read) as Hangable;
      const found = hangingOf(
        own,
        study.filter((one) => one !== own),
      );
      expect(found.layout).toBe("2x2");
      expect(found.cells["2x2"]).toEqual(["rcc", "lcc", "rmlo", "lmlo"]);
      expect(found.cells["1x2"]).toEqual(read.endsWith("cc") ? ["rcc", "lcc"] : ["rmlo", "lmlo"]);
    }
  });

  test("leaves the place of a missing mammogram empty", () => {
    const own = breast("rcc", "case", "R", "CC");
    const others = [breast("rmlo", "this", "R", "MLO"), breast("lmlo", "this", "L", "MLO")];
    expect(hangingOf(own, others).cells["2x2"]).toEqual(["rcc", null, "rmlo", "lmlo"]);
  });

  test("hangs one view of both breasts side by side, above the same view of the older study", () => {
    const own = breast("lcc", "case", "L", "CC");
    const others = [
      breast("rcc", "this", "R", "CC"),
      breast("old lcc", "prior", "L", "CC"),
      breast("old rcc", "prior", "R", "CC"),
      breast("old rmlo", "prior", "R", "MLO"),
    ];
    const found = hangingOf(own, others);
    expect(found.layout).toBe("1x2");
    expect(found.cells["1x2"]).toEqual(["rcc", "lcc"]);
    expect(found.cells["2x2"]).toEqual(["rcc", "lcc", "old rcc", "old lcc"]);
  });

  test("compares a single mammogram with the older one of the same breast and view", () => {
    const own = breast("rmlo", "case", "R", "MLO");
    const others = [breast("old rcc", "prior", "R", "CC"), breast("old rmlo", "prior", "R", "MLO")];
    expect(hangingOf(own, others)).toMatchObject({ layout: "1x1", cells: { "1x2": ["rmlo", "old rmlo"] } });
  });

  test("guesses no side where the header tells none: the case first, then the others as they come", () => {
    const others = [breast("b"), breast("c"), breast("d"), breast("old", "prior")];
    expect(hangingOf(breast("a", "case"), others)).toMatchObject({
      layout: "2x2",
      cells: { "2x2": ["a", "b", "c", "d"] },
    });
    expect(hangingOf(breast("a", "case", "R", ""), [])).toMatchObject({
      layout: "1x1",
      cells: { "2x2": ["a", null, null, null] },
    });
  });

  test("always hangs the case itself, in every layout", () => {
    const own = breast("second rcc", "case", "R", "CC");
    const others = [
      breast("rcc", "this", "R", "CC"),
      breast("lcc", "this", "L", "CC"),
      breast("l", "this", "L", "ML"),
    ];
    for (const cells of Object.values(hangingOf(own, others).cells)) expect(cells).toContain("second rcc");
  });
});
