import { expect, it } from "vitest";
import { roundsNow } from "@/features/learning/rounds-now";
import type { Round, RoundRow } from "@/lib/api-types";

const row = (number: number, state: RoundRow["state"]) => ({ number, state, n_labels: null }) as RoundRow;
const polled = { number: 3, state: "predicting", n_labels: 22, progress: { step: 4, steps: 9 } } as Round;

it("shows the live round in the table as its card shows it", () => {
  const [live, before] = roundsNow([row(3, "training"), row(2, "done")], polled);
  expect(live).toMatchObject({ state: "predicting", n_labels: 22, progress: { step: 4, steps: 9 } });
  expect(before).toEqual(row(2, "done"));
});

it("leaves the history alone while nothing runs", () => {
  const rounds = [row(2, "done")];
  expect(roundsNow(rounds, undefined)).toEqual(rounds);
});
