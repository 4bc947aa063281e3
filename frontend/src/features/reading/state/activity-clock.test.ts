// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ActivityClock } from "./activity-clock";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("decisions have times of their own, each later than the one before, near the seconds of work", () => {
  const clock = new ActivityClock(40);
  vi.advanceTimersByTime(2500);
  expect(clock.seconds).toBe(42);
  const quick = [clock.stamp(), clock.stamp(), clock.stamp()];
  expect(quick).toEqual([42.5, 42.7, 42.9]);
  vi.advanceTimersByTime(3000);
  expect(clock.stamp()).toBe(45.5);
  clock.close();
});

test("no time passes while nobody is at work, and decisions still differ", () => {
  const clock = new ActivityClock(0);
  vi.advanceTimersByTime(200_000);
  expect(clock.seconds).toBe(60);
  const first = clock.stamp();
  expect(clock.stamp()).toBeGreaterThan(first);
  clock.close();
});
