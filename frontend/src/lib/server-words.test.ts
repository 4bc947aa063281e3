import type { TFunction } from "i18next";
import { describe, expect, it } from "vitest";
import { serverWords } from "@/lib/server-words";

const t = ((key: string, values: object) => `${key} ${JSON.stringify(values)}`) as unknown as TFunction;

describe("sentences of the server", () => {
  it("are found with what they tell", () => {
    expect(serverWords("step 212 of 1,360", t)).toBe('common:server.step {"a":"212","b":"1,360","count":212}');
    expect(serverWords("Already here as US-0164.", t)).toBe('common:server.alreadyHere {"a":"US-0164","count":0}');
    expect(serverWords("Looks almost the same as US-0003, which is in another split.", t)).toContain("nearCase");
    expect(serverWords("Looks almost the same as another new image, which is in another split.", t)).toContain(
      "nearNew",
    );
  });
  it("say what a file is instead of an image", () => {
    expect(serverWords("Not an image: a radiotherapy plan (RTPLAN).", t)).toContain("noImagePlan ");
    expect(serverWords("Not an image: a sound recording.", t)).toContain("noImage ");
  });
  it("are found one by one where several stand in a row", () => {
    const told = serverWords(
      "Only 3 labelled images: expect little of this version. Something else. The first version serves.",
      t,
    );
    expect(told).toBe(
      'common:server.fewLabels {"a":"3","count":3} Something else. common:server.firstServes {"count":0}',
    );
  });
  it("stay as they are when nobody listed them", () => {
    expect(serverWords("The tables name two values of patient.", t)).toBe(
      "The tables name two values of patient.",
    );
  });
});
