import { describe, expect, it } from "vitest";
import { csvOf } from "@/lib/download";

const line = (...cells: (string | number | null)[]) => csvOf([cells]).replace("\uFEFF", "").replace(/\r\n$/, "");

describe("a table that is handed out", () => {
  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "'=1"])("has an apostrophe before %j, no formula", (text) => {
    expect(line(text)).toBe(`'${text}`);
  });
  it("leaves numbers and harmless texts as they are", () => {
    expect(line(-1.5, 0, null, "Mass", "a=b", "2-3")).toBe("-1.5,0,,Mass,a=b,2-3");
  });
  it("quotes what would end a cell or a row, the guard included", () => {
    expect(line('=HYPERLINK("x","y")', "a\rb", "a\nb")).toBe(`"'=HYPERLINK(""x"",""y"")","a\rb","a\nb"`);
  });
  it("begins with a byte order mark and ends each row with CR LF", () => {
    expect(csvOf([["a"], ["b"]])).toBe("\uFEFFa\r\nb\r\n");
  });
});
