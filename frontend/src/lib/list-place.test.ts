import { beforeEach, describe, expect, it, vi } from "vitest";
import { keepPlace, keptPlace, listAddress } from "@/lib/list-place";

const place = { address: "/p/breast/worklist?state=deferred", at: 4711, id: "c1", top: 235_550 };
const held = new Map<string, string>();

describe("the place in a list of cases", () => {
  beforeEach(() => {
    held.clear();
    const sessionStorage = {
      getItem: (key: string) => held.get(key) ?? null,
      setItem: (key: string, value: string) => void held.set(key, value),
    };
    vi.stubGlobal("window", { sessionStorage });
  });

  it("is each person's and each project's own", () => {
    keepPlace("rita", "breast", place);
    expect(keptPlace("rita", "breast")).toEqual(place);
    expect(keptPlace("sam", "breast")).toBeNull();
    expect(keptPlace("rita", "chest")).toBeNull();
  });

  it("leads back to the list that was left, else to the worklist", () => {
    expect(listAddress("rita", "breast")).toBe("/p/breast/worklist");
    keepPlace("rita", "breast", place);
    expect(listAddress("rita", "breast")).toBe(place.address);
  });

  it("that is damaged is none", () => {
    for (const text of ["{", "7", '{"address":"//elsewhere","at":1,"id":null,"top":0}']) {
      held.set("overread.list.rita.breast", text);
      expect(keptPlace("rita", "breast")).toBeNull();
    }
  });
});
