// @vitest-environment jsdom
import { expect, it } from "vitest";
import { forecastWords } from "@/features/learning/forecast-words";
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
