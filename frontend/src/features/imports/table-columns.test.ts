import { describe, expect, it } from "vitest";
import { columnsOf, mappingOf } from "@/features/imports/table-columns";

describe("the columns of a labels table", () => {
  it("are those of its first line, quoted names whole", () => {
    expect(columnsOf('\uFEFFImage Index,"View, position", Patient Age ,\r\na.png,PA,58,\r\n')).toEqual([
      "Image Index",
      "View, position",
      "Patient Age",
    ]);
    expect(columnsOf('"say ""when""",age')).toEqual(["age"]);
    expect(columnsOf("")).toEqual([]);
  });
  it("are told to the server in one line, what is left to its usual name not at all", () => {
    expect(mappingOf({})).toBe("");
    expect(mappingOf({ view: "View, position", age: "Patient Age", sex: "" })).toBe(
      'age=Patient Age,"view=View, position"',
    );
  });
});
