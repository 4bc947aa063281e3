// @vitest-environment jsdom
import { expect, it } from "vitest";
import { forecastPoints, forecastWords } from "@/features/learning/forecast-words";
import type { Forecast } from "@/lib/api-types";

const blank: Forecast = {
  answer: "cannot_tell",
  target: 0.75,
  reason: "too_far",
  more: null,
  low: null,
  high: null,
  asymptote: 0.7,
  curve: [],
};

it("tells how many more readings with the interval", () => {
  const told = forecastWords({ ...blank, answer: "about", reason: "", more: 120, low: 80, high: 1600 });
  expect(told).toEqual({
    key: "forecast.about",
    values: { target: "0.75", more: "120", low: "80", high: "1,600" },
  });
});

it("tells why nothing can be told, and that the target is reached", () => {
  expect(forecastWords(blank)).toEqual({ key: "forecast.too_far", values: { target: "0.75" } });
  expect(forecastWords({ ...blank, answer: "reached", reason: "" }).key).toBe("forecast.reached");
});

it("draws the law from the last version to where the target is surely reached, and nothing where that is unknown", () => {
  const curve = [
    [100, 0.7, 0.6, 0.8],
    [150, 0.74, 0.6, 0.8],
    [200, 0.76, 0.6, 0.8],
    [400, 0.8, 0.6, 0.9],
  ];
  const known: Forecast = { ...blank, answer: "about", reason: "", more: 40, low: 10, high: 100, curve };
  expect(forecastPoints(known, 140)).toEqual([
    { x: 150, y: 0.74 },
    { x: 200, y: 0.76 },
  ]);
  expect(forecastPoints({ ...blank, curve }, 140)).toEqual([]);
});
