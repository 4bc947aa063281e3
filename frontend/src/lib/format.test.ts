// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import {
  ago,
  bytes,
  clock,
  count,
  day,
  decimal,
  duration,
  interval,
  middle,
  nOf,
  percent,
  signed,
} from "@/lib/format";

describe("numbers", () => {
  it("carry a true minus and never a minus zero", () => {
    expect(decimal(-0.014, 3)).toBe("−0.014");
    expect(decimal(-0.001)).toBe("0.00");
    expect(signed(0.033, 3)).toBe("+0.033");
    expect(signed(-0.0001)).toBe("0.00");
  });
  it("come with their interval in the same decimals", () => {
    expect(interval({ value: 0.714, low: 0.64, high: 0.77 })).toBe("0.71 [0.64, 0.77]");
    expect(interval({ value: 0.017, low: -0.006, high: 0.04 }, 3, true)).toBe("+0.017 [−0.006, +0.040]");
    expect(interval({ value: null, low: null, high: null })).toBeNull();
    expect(`${interval({ value: 0.7, low: 0.6, high: 0.8 })} ${nOf(48)}`).toBe("0.70 [0.60, 0.80] n=48");
  });
  it("that are none are an error, never a dash", () => {
    expect(() => decimal(Number.NaN)).toThrow();
  });
  it("group thousands by commas and keep units on their line", () => {
    expect(count(10000)).toBe("10,000");
    expect(count(-1234567)).toBe("−1,234,567");
    expect(percent(0.59)).toBe("59\u00a0%");
    expect(bytes(58_000)).toBe("58\u00a0kB");
    expect(bytes(8_200_000)).toBe("8.2\u00a0MB");
  });
});

describe("times", () => {
  it("take two units at most", () => {
    expect(duration(41, "en")).toBe("41\u00a0s");
    expect(duration(124, "en")).toBe("2\u00a0min 04\u00a0s");
    expect(duration(11_100, "en")).toBe("3\u00a0h 05\u00a0min");
    expect(duration(124, "zh")).toBe("2\u00a0分 04\u00a0秒");
    expect(clock(72)).toBe("1:12");
    expect(clock(3723)).toBe("1:02:03");
  });
  it("are told from now while they are near, and by the day later", () => {
    const now = new Date(2026, 10, 22, 12, 0, 0);
    const earlier = (minutes: number) => new Date(now.getTime() - minutes * 60_000).toISOString();
    expect(ago(earlier(0.5), "en", now)).toBe("just now");
    expect(ago(earlier(4), "en", now)).toBe("4\u00a0min ago");
    expect(ago(earlier(180), "zh", now)).toBe("3\u00a0小时前");
    expect(ago(earlier(24 * 60), "en", now)).toBe("yesterday");
    expect(ago(earlier(3 * 24 * 60), "en", now)).toBe("19\u00a0Nov");
  });
  it("carry the year when it is another one", () => {
    expect(day(new Date(2025, 0, 3), "en", new Date(2026, 10, 22))).toBe("2025-01-03");
    expect(day(new Date(2026, 0, 3), "zh", new Date(2026, 10, 22))).toBe("1\u00a0月\u00a03\u00a0日");
  });
});

describe("paths", () => {
  it("are cut in the middle", () => {
    const cut = middle("cornerstone3d/CTImage.dcm_JPEGProcess6_8.dcm", 24);
    expect(cut).toHaveLength(24);
    expect(cut.startsWith("cornerstone3")).toBe(true);
    expect(cut.endsWith("6_8.dcm")).toBe(true);
  });
});
