import { describe, expect, it } from "vitest";
import { labelCandidates } from "@/features/imports/staged-labels";

const named = (...names: string[]) => names.map((name) => ({ name }));

describe("label candidates", () => {
  it("find the folder of masks and the tables by their names", () => {
    const found = labelCandidates(
      named("busi/images/a.png", "busi/masks/a.png", "busi/labels.csv", "busi/boxes_1024.csv"),
    );
    expect(found).toEqual({
      folders: ["busi/images", "busi/masks"],
      tables: ["busi/boxes_1024.csv", "busi/labels.csv"],
      hasZip: false,
      hasVolumes: false,
      masks: "busi/masks",
      boxes: "busi/boxes_1024.csv",
      labels: "busi/labels.csv",
      context: null,
    });
    expect(labelCandidates(named("a.dcm", "t/Reports_2024.csv")).context).toBe("t/Reports_2024.csv");
  });
  it("find nothing in plain files and look into no zip", () => {
    expect(labelCandidates(named("a.png"))).toMatchObject({ folders: [], tables: [], hasZip: false, masks: null });
    expect(labelCandidates(named("a.ZIP"))).toMatchObject({ hasZip: true, hasVolumes: true });
  });
  it("know volumes, and take no folder of them for PNG masks", () => {
    const found = labelCandidates(named("ct/images/a.nii.gz", "ct/masks/a.nii.gz", "notes.txt"));
    expect(found).toMatchObject({ hasVolumes: true, masks: null });
    expect(labelCandidates(named("scan.mhd", "scan.raw")).hasVolumes).toBe(true);
  });
});
