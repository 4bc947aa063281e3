/**
 * Sentences that the server writes down once (what became of a file, how far a step is) in the page's language.
 * A sentence that is not listed stays as the server wrote it: better English than silence.
 */
import type { TFunction } from "i18next";
import { DOOR_REFUSALS } from "@/lib/door-refusals";
import { FORMAT_REFUSALS } from "@/lib/format-refusals";
import { IMPORT_REFUSALS } from "@/lib/import-refusals";
import { NODE_REFUSALS } from "@/lib/node-refusals";
import { OBJECT_REFUSALS } from "@/lib/object-refusals";
import { PUBLISH_REFUSALS } from "@/lib/publish-refusals";
import { REVIEW_REFUSALS } from "@/lib/review-refusals";
import { TRAIT_WORDS } from "@/lib/trait-words";
import { VOLUME_REFUSALS } from "@/lib/volume-refusals";
import { WEBHOOK_REFUSALS } from "@/lib/webhook-refusals";

const NUMBER = "([\\d,]+)";
/** What the server writes → key below `server` in the common words; its groups become {{a}} to {{e}}. */
const SENTENCES: [pattern: string, key: string][] = [
  ...VOLUME_REFUSALS.map(([pattern, key]): [string, string] => [pattern, `volume.${key}`]),
  ["Held until a lead has looked at it\\. The file says .+", "heldSaid"],
  ["Held until a lead has looked at it\\. A picture .+", "heldCapture"],
  ["Held until a lead has looked at it\\. An ultrasound .+", "heldUltrasound"],
  ["Held until a lead has looked at it\\. A colour .+", "heldColour"],
  ["Nobody looked at it in time; what was kept of it is deleted\\.", "heldExpired"],
  ["Discarded by a lead after a look\\.", "discarded"],
  ["Discarded by a lead after a look: (.+)", "discardedFor"],
  [`${NUMBER} readings?`, "readings"],
  [`step ${NUMBER} of ${NUMBER}`, "step"],
  [`clicks: step ${NUMBER} of ${NUMBER}`, "clicksStep"],
  [`${NUMBER} of ${NUMBER} cases`, "ofCases"],
  [`${NUMBER} cases?`, "cases"],
  [`${NUMBER} patients?`, "patients"],
  ["first version", "firstVersion"],
  [`against v(\\d+)`, "against"],
  [`next ${NUMBER}`, "next"],
  [`too few: ${NUMBER} positive, at least ${NUMBER} needed`, "tooFewPositive"],
  [`too few: ${NUMBER} patients?, at least ${NUMBER} needed`, "tooFewPatients"],
  [`too few: ${NUMBER} cases show a finding, ${NUMBER} do not, of ${NUMBER} patients`, "fewOfFinding"],
  [`mean over ${NUMBER} findings of the whole image`, "meanOfFindings"],
  ["AUC of image findings", "findingsAuc"],
  [`too few: ${NUMBER} negative, at least ${NUMBER} needed`, "tooFewNegative"],
  ["undefined: only one outcome occurs", "oneOutcome"],
  ["(?:undefined: )?uncalibrated", "uncalibrated"],
  ["a higher score does not go with more positives", "notRising"],
  ["scores that are exactly right would show ([\\d.]+) here", "perfection"],
  ["scores that are exactly right would show ([\\d.]+) here, 19 times of 20 at most ([\\d.]+)", "perfection95"],
  [`within ${NUMBER} (mm|px)`, "within"],
  [`within ${NUMBER} mm in ${NUMBER} images, within ${NUMBER} px in ${NUMBER}`, "tolerance"],
  [`in ${NUMBER} of ${NUMBER} images nothing was shown: they have no distance`, "noDistance"],
  [`in ${NUMBER} of ${NUMBER} images the truth is the ellipse inscribed in a box`, "boxed"],
  ["(?:not stated in any header|stated by no header and no table)", "notStated"],
  ["a false positive has no true size", "noTrueSize"],
  ["a finding of the whole image has no place", "noPlace"],
  ["no spacing is known here: distances are in pixels", "noSpacing"],
  [`at the display threshold ([\\d.]+)`, "atThreshold"],
  ["The first version serves\\.", "firstServes"],
  [`Not worse than version (\\d+) on VALIDATION \\(${NUMBER} patients\\)\\.`, "notWorse"],
  [`Better than chance on VALIDATION \\(${NUMBER} patients\\)\\.`, "provenFirst"],
  [`Not worse than version (\\d+) by more than ([\\d.]+) on VALIDATION \\(${NUMBER} patients\\)\\.`, "notWorseBy"],
  ["Its marks meet the lesions of VALIDATION no better than chance: it waits\\.", "marksChance"],
  ["Its scores tell the images with a lesion in VALIDATION no better than chance: it waits\\.", "scoresChance"],
  [
    "Its scores tell no finding of the whole image in VALIDATION better than chance: it waits\\.",
    "findingsChance",
  ],
  ["Not shown to be within ([\\d.]+) of version (\\d+) on VALIDATION \\((.+)\\): it waits\\.", "beyondMargin"],
  [
    `VALIDATION is too small to show it within ([\\d.]+) of version (\\d+) \\(${NUMBER} patients; (.+)\\): it waits\\.`,
    "wideInterval",
  ],
  [`About ${NUMBER} patients would, if it stays as measured; or a lead promotes it\\.`, "neededPatients"],
  [
    `VALIDATION has too few labelled cases to show this version better than chance \\(${NUMBER} patients?\\): it waits for a lead\\.`,
    "fewToProve",
  ],
  [
    `VALIDATION has too few labelled cases to compare \\(${NUMBER} patients?\\): it waits for a lead\\.`,
    "fewToCompare",
  ],
  [
    `VALIDATION has too few labelled cases to (?:compare|show this version better than chance) \\(${NUMBER} patients?\\): the policy lets it serve unproven\\.`,
    "unproven",
  ],
  ["No version serves: nothing is predicted, and the worklist keeps its order\\.", "noneServes"],
  ["Worse than version (\\d+) on VALIDATION \\((.+)\\): it waits\\.", "worse"],
  [
    `VALIDATION has too few labelled cases to compare \\(${NUMBER} patients?\\): it serves unchecked\\.`,
    "unchecked",
  ],
  ["VALIDATION has no labelled case yet: nothing could be measured\\.", "nothingMeasured"],
  [
    "Findings are shown from a score of ([\\d.]+), so that VALIDATION has at most ([\\d.]+) false ones per image\\.",
    "shownFrom",
  ],
  [
    "VALIDATION has too few labelled cases to choose a display threshold: ([\\d.]+), as for the project\\.",
    "fewForThreshold",
  ],
  ["No lesion among the labels: only findings of the whole image are learned\\.", "noLesion"],
  [`Also learned from ${NUMBER} unread images?, by what a first training was sure of in them\\.`, "learnedUnread"],
  ["Learned from the labels alone: no image of the POOL is unread\\.", "noneUnread"],
  [
    "Learned from the labels alone: unread images teach only where they are single and taken whole\\.",
    "unreadNotWhole",
  ],
  [`Learned from the labels alone: unread images teach from ${NUMBER} labels on\\.`, "fewForUnread"],
  [`Only ${NUMBER} labelled images?: expect little of this version\\.`, "fewLabels"],
  [`Only ${NUMBER} outlined lesions?: this version does not answer clicks\\.`, "fewOutlined"],
  ["To answer clicks could not be learned: the training diverged\\.", "clicksDiverged"],
  ["No labelled image shows (.+): not learned yet\\.", "typesAbsent"],
  ["No labelled image is free of lesions: expect false alarms on normal images\\.", "noneFree"],
  [`Training diverged: the loss at step ${NUMBER} is (.+)\\.`, "diverged"],
  ["The network's output is not finite\\.", "notFinite"],
  ["Version (\\d+) kept no weights from its training: chosen by entropy instead\\.", "noSnapshots"],
  ["No other version like version (\\d+) is kept: chosen by entropy instead\\.", "noCommittee"],
  ["None of the labelled images can be used\\.", "nothingUsable"],
  [`NothingToDo: ${NUMBER} readings of each kind were there when this was asked, ${NUMBER} are now`, "labelsGone"],
  [
    `NothingToDo: ${NUMBER} patients \\(near-duplicates count as one\\) cannot be parted into ${NUMBER}`,
    "fewPatients",
  ],
  ["What served before is unchanged\\.", "unchanged"],
  ["Version (\\d+) serves; what it has not read yet is read next\\.", "servesUnread"],
  [`${NUMBER} labelled cases? could not be decoded and (?:was|were) left out\\.`, "brokenLabelled"],
  [`${NUMBER} VALIDATION cases? could not be decoded and (?:was|were) left out\\.`, "brokenValidation"],
  [`${NUMBER} unread cases? could not be decoded and (?:was|were) left out\\.`, "brokenUnread"],
  ["There is no room left to store anything\\.", "noRoom"],
  [`Measured on ${NUMBER} of ${NUMBER} VALIDATION cases, patients drawn once at random\\.`, "sample"],
  [`Gave up after ${NUMBER} attempts: each time the worker was lost\\.`, "gaveUp"],
  ["ProcessesFailed: The training processes ended with code (-?\\d+): (.+)", "processesEnded"],
  ["ProcessesFailed: A training process failed: (.+)", "processFailed"],
  ["Cancelled\\.", "cancelled"],
  ["This import has ended: choose the files again\\.", "importEnded"],
  ["Cancelled\\. What was imported before stays\\.", "importCancelled"],
  [
    "Nobody went on with this upload for (\\S+) days: what had come was deleted\\. Choose the files again\\.",
    "uploadLeft",
  ],
  ["Already here as (.+)\\.", "alreadyHere"],
  ["Already here: published from a reading of this project\\.", "alreadyPublished"],
  [`${NUMBER} readings? of (.+)\\.`, "readingsOf"],
  ["The same image twice in this import\\.", "twice"],
  ["Labels\\.", "labels"],
  ["The file is empty\\.", "emptyFile"],
  ["The upload was not finished\\.", "notFinished"],
  ["It waited in an import that ended: deleted, not imported\\.", "waitedInEnded"],
  ["Its bytes were gone before it was imported\\.", "bytesGone"],
  ["Not imported\\.", "notImported"],
  ["The file is kept on the server, in received/failed\\.", "keptInFailed"],
  ["Not a DICOM, PNG, JPEG, NIfTI, NRRD or MetaImage file\\.", "noImageFile"],
  ["Looks almost the same as images in two splits \\((.+)\\)\\.", "twoSplits"],
  ["Looks almost the same as another new image, which is in another split\\.", "nearNew"],
  ["Looks almost the same as a newer image of another split\\.", "nearNewer"],
  ["Looks almost the same as (.+), which is in another split\\.", "nearCase"],
  ["Its compression \\((.+)\\) is not supported(?: in this form)?\\.", "compression"],
  [`The file ends too early: ${NUMBER} bytes of pixels are due, ${NUMBER} are there\\.`, "endsEarly"],
  ["Damaged: the picture's header cannot be read\\.", "damagedHeader"],
  ["Damaged: its pixels cannot be decoded\\.", "damagedPixels"],
  ...DOOR_REFUSALS.map(([pattern, key]): [string, string] => [pattern, `door.${key}`]),
  [
    "Another image with the same SOP Instance UID and other content is already here; it was not overwritten\\.",
    "conflict",
  ],
  ["Not an image: a structured report \\(SR\\)\\.", "noImageReport"],
  ["Not an image: a segmentation \\(SEG\\), which marks other images\\.", "noImageSegmentation"],
  ["Not an image: radiotherapy structures \\(RTSTRUCT\\), which mark other images\\.", "noImageStructures"],
  ["Not an image: a radiotherapy plan \\(RTPLAN\\)\\.", "noImagePlan"],
  ["Not an image: a radiotherapy dose grid \\(RTDOSE\\)\\.", "noImageDose"],
  ["Not an image: an electrocardiogram \\(ECG waveform\\)\\.", "noImageEcg"],
  ["Not an image: a directory of a DICOM medium \\(DICOMDIR\\)\\.", "noImageDirectory"],
  [`Clinical texts of ${NUMBER} cases stored, ${NUMBER} already there\\.`, "contexts"],
  [`${NUMBER} rows not used: (.+)`, "rowsUnused"],
  ["Its labels were not used: (.+)", "labelsUnused"],
  ...TRAIT_WORDS.map(([pattern, key]): [string, string] => [pattern, `traits.${key}`]),
  ...OBJECT_REFUSALS.map(([pattern, key]): [string, string] => [pattern, `object.${key}`]),
  ...IMPORT_REFUSALS.map(([pattern, key]): [string, string] => [pattern, `import.${key}`]),
  ...NODE_REFUSALS.map(([pattern, key]): [string, string] => [pattern, `node.${key}`]),
  ...PUBLISH_REFUSALS.map(([pattern, key]): [string, string] => [pattern, `publish.${key}`]),
  ...REVIEW_REFUSALS.map(([pattern, key]): [string, string] => [pattern, `review.${key}`]),
  ...WEBHOOK_REFUSALS.map(([pattern, key]): [string, string] => [pattern, `webhook.${key}`]),
  ...FORMAT_REFUSALS.map(([pattern, key]): [string, string] => [pattern, `format.${key}`]),
  // Whatever else such a sentence says.
  ["Damaged: (.+)", "damaged"],
  ["Not an image: (.+)", "noImage"],
];
const KNOWN = SENTENCES.map(([pattern, key]): [RegExp, string] => [new RegExp(`^${pattern}$`), key]);
/** Their last group is a sentence itself, or the name of a number. */
const NESTED = new Set([
  "rowsUnused",
  "labelsUnused",
  "door.readingsUnused",
  "door.maskUnused",
  "format.readingOf",
  "format.annotationsOf",
  "import.row",
  "worse",
  "beyondMargin",
  "wideInterval",
]);
/** Where one sentence ends and the next begins; a few begin with a number or go on in lower case. */
const BETWEEN = /(?<=\.) (?=\p{Lu}|\d+ rows not used: |\d+ readings (?:from|wait|that) |and \d+ more\.$)/u;

/** `text` of the server in the words of `t`'s language: as a whole, else sentence by sentence. */
export function serverWords(text: string, t: TFunction): string {
  return (
    known(text, t) ??
    text
      .split(BETWEEN)
      .map((one) => known(one, t) ?? one)
      .join(" ")
  );
}

function known(text: string, t: TFunction): string | null {
  for (const [pattern, key] of KNOWN) {
    const found = pattern.exec(text);
    if (found) {
      const count = Number((found[1] ?? "").replaceAll(",", ""));
      const groups = found.slice(1);
      const told = groups.at(-1);
      if (NESTED.has(key) && told) groups[groups.length - 1] = known(told, t) ?? told;
      const [a, b, c, d, e] = groups;
      return t(`common:server.${key}`, { a, b, c, d, e, count: Number.isNaN(count) ? 0 : count });
    }
  }
  return null;
}
