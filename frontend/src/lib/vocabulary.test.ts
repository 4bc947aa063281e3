import { describe, expect, it } from "vitest";
import { choice } from "@/lib/attributes";
import { type Entry, newEntry, payloadOf, problemsOf } from "@/lib/vocabulary";

function entries(...names: string[]): Entry[] {
  const made: Entry[] = [];
  for (const name of names) made.push(newEntry("lesion", made, name));
  return made;
}

describe("a new finding type", () => {
  it("gets the next colour and the next free key", () => {
    const [one, two] = entries("Mass", "Cyst");
    expect([one?.key, two?.key]).toEqual(["1", "2"]);
    expect(one?.colour).not.toBe(two?.colour);
  });
  it("gets no key when all ten are given", () => {
    expect(newEntry("image", entries(..."abcdefghij"), "k").key).toBe("");
  });
  it("is sent without the fields of the editor", () => {
    const [one] = entries("  Mass ");
    expect(Object.keys(payloadOf(one as Entry, 3)).sort()).toEqual(
      "allowed_marks attributes code_meaning code_scheme code_value colour key name position scope".split(" "),
    );
    expect(payloadOf(one as Entry, 3)).toMatchObject({ name: "Mass", position: 3 });
  });
});

describe("a vocabulary", () => {
  it("is refused while empty", () => {
    expect(problemsOf([])[0]?.kind).toBe("nothing");
  });
  it("is accepted with distinct names, keys and colours", () => {
    expect(problemsOf(entries("Mass", "Cyst"))).toEqual([]);
  });
  it("is refused for what a reader could confuse", () => {
    const [one, two] = entries("Mass", "mass") as [Entry, Entry];
    expect(problemsOf([one, two]).map(({ kind }) => kind)).toEqual(["sameName"]);
    const cyst = { ...two, name: "Cyst", key: one.key, colour: one.colour };
    expect(problemsOf([one, cyst]).map(({ kind }) => kind)).toEqual(["sameKey", "confused"]);
    expect(problemsOf([{ ...one, allowed_marks: [] }]).map(({ kind }) => kind)).toEqual(["noMarks"]);
    expect(problemsOf([{ ...one, attributes: [choice("Certainty", [])] }])[0]?.kind).toBe("emptyAttribute");
  });
  it("does not count retired types", () => {
    const [one, two] = entries("Mass", "Cyst") as [Entry, Entry];
    expect(
      problemsOf([
        { ...one, retired: true },
        { ...two, key: one.key, colour: one.colour },
      ]),
    ).toEqual([]);
  });
});
