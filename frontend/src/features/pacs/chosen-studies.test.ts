import { describe, expect, it } from "vitest";
import { NOTHING, toggleSeries, toggleStudy, wanted } from "@/features/pacs/chosen-studies";
import type { FoundStudy } from "@/lib/api-types";

const study = (uid: string): FoundStudy => ({
  study_instance_uid: uid,
  patient_id: "",
  patient_name: "",
  patient_sex: "",
  study_date: "",
  study_description: "",
  accession_number: "",
  modalities: [],
  number_of_series: 2,
  number_of_instances: 30,
});
const SERIES = ["1.1", "1.2"];

describe("picking studies", () => {
  it("picks a study and lets it go again", () => {
    const picked = toggleStudy(NOTHING, "1");
    expect(wanted(picked, [study("1"), study("2")])).toEqual([{ study: "1", instances: 30 }]);
    expect(toggleStudy(picked, "1").size).toBe(0);
  });
  it("asks for single series without a count, and for the study once all are picked", () => {
    const one = toggleSeries(NOTHING, "1", "1.2", SERIES);
    expect(wanted(one, [study("1")])).toEqual([{ study: "1", series: ["1.2"], instances: null }]);
    expect(toggleSeries(one, "1", "1.1", SERIES).get("1")).toBe("all");
  });
  it("leaves the others when one series of a whole study is let go", () => {
    const rest = toggleSeries(toggleStudy(NOTHING, "1"), "1", "1.1", SERIES);
    expect(wanted(rest, [study("1")])).toEqual([{ study: "1", series: ["1.2"], instances: null }]);
    expect(toggleSeries(rest, "1", "1.2", SERIES).size).toBe(0);
  });
});
