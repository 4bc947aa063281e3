// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { beginOpening, headersBegun, openedCase } from "./opening";

const instance = (number: number) => ({
  sop_instance_uid: `1.2.${number}`,
  number_of_frames: 1,
  rows: 4,
  columns: 4,
  pixel_spacing: null,
  pixels: "p",
});
let series = 0;
const room = (lesions: object[] = [], begin_at: number | null = null) => ({
  reading: { lesions },
  begin_at,
  series: {
    wado_root: "/dicom-web/ct",
    study_instance_uid: "1",
    series_instance_uid: String(series),
    instances: [instance(1), instance(2), instance(3)],
  },
});

let asked: string[];
let answer: (url: string) => Response;

const settled = () => new Promise((done) => setTimeout(done, 5));
const openings = () => asked.filter((one) => one.endsWith("/open/"));

beforeEach(() => {
  asked = [];
  series += 1;
  answer = (url) => {
    if (url.endsWith("/open/")) return Response.json(room());
    return url.endsWith("/metadata")
      ? Response.json([{ "00080018": { vr: "UI", Value: ["1.2.1"] } }])
      : new Response("x");
  };
  vi.stubGlobal("fetch", async (input: string | URL | Request, init?: RequestInit) => {
    const url = input instanceof Request ? input.url : String(input);
    asked.push(`${init?.method ?? (input instanceof Request ? input.method : "GET")} ${url}`);
    return answer(url);
  });
});
afterEach(() => vi.unstubAllGlobals());

describe("a case that is begun to be opened", () => {
  test("is opened once, for opening leases it and is audited", async () => {
    beginOpening("ct", "a");
    await openedCase("ct", "a");
    expect(openings()).toHaveLength(1);
  });

  test("is asked for anew when the room asks a second time", async () => {
    beginOpening("ct", "b");
    const first = await openedCase("ct", "b");
    expect(await openedCase("ct", "b")).not.toBe(first);
    expect(openings()).toHaveLength(2);
  });

  test("brings its headers and the middle frame along", async () => {
    beginOpening("ct", "c");
    const opened = await openedCase("ct", "c");
    expect(await headersBegun(opened)).toHaveLength(1);
    await settled();
    expect(asked).toContain(`GET /dicom-web/ct/studies/1/series/${series}/instances/1.2.2/frames/1?pixels=p`);
  });

  test("brings the frame of the first mark where there is one", async () => {
    const marked = room([{ sop_instance_uid: "1.2.3", frame: 1 }]);
    const usual = answer;
    answer = (url) => (url.endsWith("/open/") ? Response.json(marked) : usual(url));
    beginOpening("ct", "d");
    await settled();
    expect(asked).toContain(`GET /dicom-web/ct/studies/1/series/${series}/instances/1.2.3/frames/1?pixels=p`);
  });

  test("brings the slice at which it is told to begin, unless there is a mark or no such slice", async () => {
    const usual = answer;
    let told: ReturnType<typeof room>;
    answer = (url) => (url.endsWith("/open/") ? Response.json(told) : usual(url));
    const mark = { sop_instance_uid: "1.2.1", frame: 1 };
    for (const [lesions, begin, shown] of [
      [[], 3, 3],
      [[], 4, 2],
      [[mark], 3, 1],
    ] as [object[], number, number][]) {
      asked = [];
      series += 1;
      told = room(lesions, begin);
      beginOpening("ct", `told ${shown}`);
      await settled();
      expect(asked.filter((one) => one.includes("/frames/1"))).toEqual([
        `GET /dicom-web/ct/studies/1/series/${series}/instances/1.2.${shown}/frames/1?pixels=p`,
      ]);
    }
  });

  test("does not fetch headers a second time that were read ahead", async () => {
    beginOpening("ct", "h");
    await headersBegun(await openedCase("ct", "h"));
    beginOpening("ct", "i");
    expect(await headersBegun(await openedCase("ct", "i"))).toBeUndefined();
    expect(asked.filter((one) => one.endsWith("/metadata"))).toHaveLength(1);
  });

  test("gives its headers to no other room", async () => {
    beginOpening("ct", "e");
    const other = await openedCase("ct", "f");
    expect(await headersBegun(other)).toBeUndefined();
  });

  test("leaves a failure to the room, which asks again", async () => {
    answer = () => Response.json({ detail: "away" }, { status: 503 });
    beginOpening("ct", "g");
    await expect(openedCase("ct", "g")).rejects.toThrow();
    answer = () => Response.json(room());
    await expect(openedCase("ct", "g")).resolves.toBeTruthy();
  });
});
