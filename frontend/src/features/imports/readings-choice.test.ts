import { describe, expect, it } from "vitest";
import { isComplete, readingsOptions } from "@/features/imports/readings-choice";
import type { FormatOption, ImportFormat } from "@/lib/api-types";
import { lackOf } from "@/lib/format-options";

const option = (name: string, kind: FormatOption["kind"], fallback = ""): FormatOption => ({
  name,
  kind,
  choices: [],
  default: fallback,
  words: name,
  help: "",
});
const formats: ImportFormat[] = [
  {
    name: "nifti",
    title: "NIfTI masks",
    options: [option("labels", "labels"), option("apart", "choice", "yes"), option("case", "text")],
  },
  { name: "dicom_seg", title: "DICOM SEG", options: [option("threshold", "share", "0.5")] },
];

describe("the choice of readings", () => {
  it("says nothing where they are recognised by themselves", () => {
    expect(readingsOptions({ format: "", values: { apart: "no" } }, formats)).toEqual({});
  });
  it("names the format and only what differs from what is done anyway", () => {
    const choice = { format: "nifti", values: { labels: " 1:Nodule ", apart: "yes", case: "", threshold: "0.1" } };
    expect(readingsOptions(choice, formats)).toEqual({
      readings_format: "nifti",
      readings_options: { labels: "1:Nodule" },
    });
  });
  it("can be that none are looked for", () => {
    expect(readingsOptions({ format: "none", values: {} }, formats)).toEqual({ readings_format: "none" });
  });
  it.each([
    ["share", "0.3", null],
    ["share", "0", "share"],
    ["share", "1.01", "share"],
    ["share", "half", "share"],
    ["labels", "1:Nodule, 2:Mass,", null],
    ["labels", "Nodule", "labels"],
    ["labels", "1:", "labels"],
    ["text", "anything", null],
  ] as const)("of kind %s takes %s as the server does", (kind, value, lack) => {
    expect(lackOf(option("x", kind), value)).toBe(lack);
  });
  it("is complete when every value means something", () => {
    expect(isComplete({ format: "dicom_seg", values: { threshold: "2" } }, formats)).toBe(false);
    expect(isComplete({ format: "dicom_seg", values: {} }, formats)).toBe(true);
  });
});
