/** A project's vocabulary while it is edited, in the wizard and in the settings. */
import type { Attribute, FindingType, FindingTypeIn, MarkKind } from "@/lib/api-types";
import { confusions, nextColour } from "@/lib/colours";

export const MARKS: MarkKind[] = ["box", "ellipse", "polygon", "freehand", "mask", "point"];
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];

export interface Entry extends FindingTypeIn {
  /** Lives only in this editor; `id` is the server's, once it has one. */
  uid: string;
  id?: number;
  retired?: boolean;
}

export function newEntry(scope: Entry["scope"], entries: readonly Entry[], name = ""): Entry {
  const lesions = entries.filter((entry) => entry.scope === "lesion");
  return {
    uid: crypto.randomUUID(),
    scope,
    name,
    colour: scope === "lesion" ? nextColour(lesions.map((entry) => entry.colour)) : "",
    key: KEYS.find((key) => !entries.some((entry) => !entry.retired && entry.key === key)) ?? "",
    allowed_marks: scope === "lesion" ? ["box", "ellipse", "polygon", "mask"] : [],
    code_scheme: "",
    code_value: "",
    code_meaning: "",
    attributes: [],
    position: entries.length,
  };
}

export function entryOf(type: FindingType): Entry {
  const { since_version: _since, retired_in_version: retired, ...rest } = type;
  return { ...rest, uid: String(type.id), retired: retired !== null };
}

/** What the API takes: without the editor's own fields. */
export function payloadOf(entry: Entry, position: number): FindingTypeIn {
  const { uid: _uid, id: _id, retired: _retired, ...rest } = entry;
  return { ...rest, name: rest.name.trim(), position };
}

export type Problem =
  | { kind: "noName"; uid: string }
  | { kind: "sameName"; uid: string; name: string }
  | { kind: "sameKey"; uid: string; key: string }
  | { kind: "noMarks"; uid: string; name: string }
  | { kind: "emptyAttribute" | "limits"; uid: string; name: string }
  | { kind: "confused"; uid: string; name: string; other: string }
  | { kind: "likeAccent"; uid: string; name: string }
  | { kind: "nothing"; uid: "" };

const limited = (number: Attribute["number"]): boolean =>
  number !== null && number.least !== null && number.most !== null && number.least >= number.most;

/** Everything that keeps this vocabulary from being saved; the first is shown beside the button. */
export function problemsOf(all: readonly Entry[]): Problem[] {
  const entries = all.filter((entry) => !entry.retired);
  const found: Problem[] = [];
  if (entries.length === 0) found.push({ kind: "nothing", uid: "" });
  entries.forEach((entry, index) => {
    const name = entry.name.trim();
    const before = entries.slice(0, index);
    if (!name) found.push({ kind: "noName", uid: entry.uid });
    else if (
      before.some((other) => other.scope === entry.scope && other.name.trim().toLowerCase() === name.toLowerCase())
    )
      found.push({ kind: "sameName", uid: entry.uid, name });
    if (entry.key && before.some((other) => other.key === entry.key))
      found.push({ kind: "sameKey", uid: entry.uid, key: entry.key });
    if (entry.scope === "lesion" && entry.allowed_marks.length === 0)
      found.push({ kind: "noMarks", uid: entry.uid, name });
    if (entry.attributes.some((one) => !one.name.trim() || (one.values.length === 0 && !one.number)))
      found.push({ kind: "emptyAttribute", uid: entry.uid, name });
    if (entry.attributes.some(({ number }) => limited(number)))
      found.push({ kind: "limits", uid: entry.uid, name });
  });
  const lesions = entries.filter((entry) => entry.scope === "lesion");
  for (const { one, other } of confusions(lesions.map((entry) => entry.colour))) {
    const entry = lesions[one];
    if (!entry) continue;
    if (other === "accent") found.push({ kind: "likeAccent", uid: entry.uid, name: entry.name });
    else found.push({ kind: "confused", uid: entry.uid, name: entry.name, other: lesions[other]?.name ?? "" });
  }
  return found;
}
