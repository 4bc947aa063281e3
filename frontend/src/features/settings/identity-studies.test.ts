import { describe, expect, it } from "vitest";
import { dateOf, isPseudonym, studiesOf } from "@/features/settings/identity-studies";
import type { KnownIdentity } from "@/lib/api-types";

const image = (patient_id: string, study_instance_uid: string) =>
  ({ patient_id, study_instance_uid, patient_name: "", study_date: "", accession_number: "" }) as KnownIdentity;

describe("a look into the table of identities", () => {
  it("tells a study once, with the number of its images", () => {
    const found = studiesOf([image("7", "1.2"), image("7", "1.2"), image("7", "1.3"), image("8", "1.2")]);
    expect(found.map((one) => one.images)).toEqual([2, 1, 1]);
  });
  it("writes dates as people read them, and leaves what is none", () => {
    expect(["20240229", "", "2024"].map(dateOf)).toEqual(["2024-02-29", "", "2024"]);
  });
  it("takes pseudonyms and UIDs, and nothing else", () => {
    expect(["P0123456789ABCDE", "1.2.840.1"].map(isPseudonym)).toEqual([true, true]);
    expect(["", "P0123", "Doe^Jane", "p0123456789abcde"].map(isPseudonym)).toEqual([false, false, false, false]);
  });
});
