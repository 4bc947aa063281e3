import { createInstance, type TFunction } from "i18next";
import { describe, expect, it } from "vitest";
import { serverWords } from "@/lib/server-words";
import common from "@/locales/zh/common.json";

const t = ((key: string, values: object) => `${key} ${JSON.stringify(values)}`) as unknown as TFunction;

const instance = createInstance();
await instance.init({ lng: "zh", resources: { zh: { common } }, interpolation: { escapeValue: false } });
const zh = instance.t as unknown as TFunction;

const importers = import.meta.glob<string>(
  "../../../backend/exchange/{context_import,context_table,label_import,label_tables,mask_components}.py",
  { eager: true, query: "?raw", import: "default" },
);
const publishers = import.meta.glob<string>(
  "../../../backend/{exchange/{publishing,export_runs},dicom/whole_object}.py",
  {
    eager: true,
    query: "?raw",
    import: "default",
  },
);
const webhooks = import.meta.glob<string>("../../../backend/webhooks/{addresses,services}.py", {
  eager: true,
  query: "?raw",
  import: "default",
});
const reviews = import.meta.glob<string>(
  "../../../backend/{readings/{edit_services,services},review/services}.py",
  { eager: true, query: "?raw", import: "default" },
);
const doors = import.meta.glob<string>(
  [
    "../../../backend/archive/{blanking,decode_child,identities,ingest,quarantine}.py",
    "../../../backend/dicom/{bombs,burnt_in,codestream,deid_options,found,frames,image_check,object_reading,pictures,read,rtstruct,seg,sr}.py",
    "../../../backend/exchange/{attaching,blanking,importing,kept_refused,label_import,mask_components,object_reader}.py",
    "../../../backend/exchange/{quarantine_services,reading_child,reading_import,reading_messages}.py",
    "../../../backend/exchange/{receiving,services,sources,zips}.py",
  ],
  { eager: true, query: "?raw", import: "default" },
);
const formats = import.meta.glob<string>("../../../backend/exchange/formats/*.py", {
  eager: true,
  query: "?raw",
  import: "default",
});
/** Every sentence that stands in a Python source outside of its comments and docstrings, its pieces put together. */
function sentences(source: string): string[] {
  const code = source.replaceAll(/"""[\s\S]*?"""/g, "").replaceAll(/^\s*#.*$/gm, "");
  const literals = [...code.matchAll(/(?:f?"(?:[^"\\\n]|\\.)*"\s*)+/g)].map(([found]) =>
    [...found.matchAll(/f?"((?:[^"\\\n]|\\.)*)"/g)].map(([, piece]) => piece).join(""),
  );
  return literals.filter((one) => /^(?:[A-Z]|\{[^}]+\} [a-z]|an? |its |the |it |one |there ).* .*\.$/.test(one));
}
const NAMED: Record<string, string> = {
  told: "hooks.example.org (10.1.2.3)",
  name: "report",
  what: "its study",
  wanted: "file names",
  meaning: "patient",
};
/** A reason as the server would write it. */
function filled(template: string): string {
  return template.replaceAll(
    /\{([^}]+)\}/g,
    (_, expression: string) => NAMED[expression] ?? (expression.includes("!r") ? "'x'" : "3"),
  );
}

describe("sentences of the server", () => {
  it("are found with what they tell", () => {
    expect(serverWords("step 212 of 1,360", t)).toBe('common:server.step {"a":"212","b":"1,360","count":212}');
    expect(serverWords("Already here as US-0164.", t)).toBe('common:server.alreadyHere {"a":"US-0164","count":0}');
    expect(serverWords("Looks almost the same as US-0003, which is in another split.", t)).toContain("nearCase");
    expect(serverWords("Looks almost the same as another new image, which is in another split.", t)).toContain(
      "nearNew",
    );
  });
  it("say why a question to the labels has no answer", () => {
    const gone = "NothingToDo: 22 readings of each kind were there when this was asked, 21 are now";
    expect(serverWords(gone, t)).toBe('common:server.labelsGone {"a":"22","b":"21","count":22}');
    expect(
      serverWords("NothingToDo: 1 patients (near-duplicates count as one) cannot be parted into 2", t),
    ).toContain("fewPatients");
  });
  it("say what became of the traits that a table told", () => {
    expect(
      serverWords(
        "Labels. Traits of 70 cases stored, 2 already there. Of 1 files the table's traits were not all used, or contradict: it is told beside each.",
        t,
      ),
    ).toBe(
      'common:server.labels {"count":0} common:server.traits.stored {"a":"70","b":"2","count":70} common:server.traits.told {"a":"1","count":1}',
    );
    expect(
      serverWords("The table's view was not used: it is no view position of DICOM (PA, AP, LL, …).", t),
    ).toContain("traits.noView");
    expect(serverWords("The header's sex stays: F; the table says M.", t)).toBe(
      'common:server.traits.headerStays {"a":"sex","b":"F","c":"M","count":0}',
    );
  });
  it("say why the processes of a training gave up", () => {
    const killed = "ProcessesFailed: The training processes ended with code -9: RuntimeError: Connection reset";
    expect(serverWords(killed, t)).toBe(
      'common:server.processesEnded {"a":"-9","b":"RuntimeError: Connection reset","count":-9}',
    );
    const failed = "ProcessesFailed: A training process failed: OSError: no room";
    expect(serverWords(failed, t)).toContain("processFailed ");
  });
  it("say what a file is instead of an image", () => {
    expect(serverWords("Not an image: a radiotherapy plan (RTPLAN).", t)).toContain("noImagePlan ");
    expect(serverWords("Not an image: a sound recording.", t)).toContain("noImage ");
    expect(serverWords("Damaged: its NRRD header contradicts itself.", t)).toContain("volume.contradicts ");
    expect(
      serverWords("It has 4 dimensions (9×9×9×2), a series in time or several channels; a volume has three.", t),
    ).toContain("volume.manyDimensions ");
    expect(
      serverWords("Its axes are not at right angles (it is sheared). Nothing is resampled here.", t),
    ).toContain("volume.sheared ");
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
  it("are found inside others: rows of a table, with the reason of each", () => {
    const told = serverWords(
      "Clinical texts of 3 cases stored, 0 already there. 22 rows not used: Row 2: no case here comes from a file a.png. " +
        "Row 4: its text names the patient's id. and 2 more.",
      zh,
    );
    expect(told).toBe(
      "已保存 3 例的临床文本，另有 0 例已存在。 22 行未被采用：第 2 行：此处没有来自文件 a.png 的病例。 " +
        "第 4 行：其文本中出现了患者编号。 另有 2 行。",
    );
    expect(serverWords("Its labels were not used: The mask has 3×4 pixels, its image 5×6.", zh)).toBe(
      "未使用其标签：掩膜为 3×4 像素，其图像为 5×6。",
    );
  });
  it("have words for every reason for which a row, a label or a table is not used", () => {
    const reasons = Object.values(importers).flatMap((source) =>
      [...source.matchAll(/Refused\(\s*f?"(.+?)"(?: if not| else|,|\)|\s)/g)].map(([, text]) =>
        filled(text ?? ""),
      ),
    );
    expect(reasons.length).toBeGreaterThan(25);
    expect(reasons.filter((reason) => serverWords(reason, zh) === reason)).toEqual([]);
  });
  it("have words for every reason for which a file is not taken in at the door", () => {
    const reasons = Object.values(doors)
      .flatMap(sentences)
      .map((one) =>
        one.replace(/(MB|report)\{(?:[^{}]|\{[^{}]*\})*\}/, "$1").replaceAll(/\{(?:[^{}]|\{[^{}]*\})*\}/g, "3"),
      )
      // Why an image is held is a part of a sentence.
      .map((one) =>
        /^(?:The file says|An? (?:picture|ultrasound|colour))/.test(one)
          ? `Held until a lead has looked at it. ${one}`
          : one,
      );
    const standard = /SOP Instance UID|Photometric Interpretation|Bits (?:Stored|Allocated)|MetaImage/g;
    const untold = reasons.filter((reason) => /[a-z]{4}/.test(serverWords(reason, zh).replaceAll(standard, "")));
    expect(reasons.length).toBeGreaterThan(120);
    expect(untold).toEqual([]);
    for (const told of [
      "It may name a patient: only who may look identities up can have it.",
      "It is not there any more.",
      "It unpacks to more than 512 MB, more than 200 times its size: a bomb.",
      "Too big: 900 MB, the limit is 512 MB.",
      "The file ends too early: 8,192 bytes of pixels are due, 12 are there.",
      "It takes too much memory to decode.",
      "3 of its files could not be unpacked: the zip archive is kept as it came.",
      "Readings of AI were not used: a mask has 3×4 pixels, its image 5×6.",
      "It was not used: The mask has 3×4 pixels, its image 5×6.",
    ])
      expect(serverWords(told, zh), told).not.toMatch(/[a-z]{2}/);
  });
  it("have words for every reason for which a reading of another program is not used", () => {
    const reasons = Object.entries(formats).flatMap(([path, source]) =>
      [...source.matchAll(/(?:Refused|UnusableFile)\(\s*((?:[\w.]+, )?(?:f?"(?:[^"\\\n]|\\.)*"\s*)+)/g)]
        .flatMap(([, literals]) => sentences(literals ?? ""))
        .map((one) => [
          path.split("/").at(-1),
          one.replaceAll(/\{[^}]+![^}]*\}/g, "'3'").replaceAll(/\{(?:[^{}]|\{[^{}]*\})*\}/g, "3"),
        ]),
    );
    expect(reasons.length).toBeGreaterThan(80);
    const untold = reasons.filter(([, reason]) => serverWords(reason ?? "", zh) === reason);
    // Two choose between words where they are written; both ways are told.
    expect(untold.map(([, reason]) => reason)).toEqual(["3 is too big3; the limit is 3 MB.", "3 at 3 mm."]);
    for (const told of [
      "1.json is too big; the limit is 64 MB.",
      "1.nii.gz is too big unpacked; the limit is 64 MB.",
      "no slice lies at 3.5 mm.",
      "several slices lie at 3.5 mm.",
    ])
      expect(serverWords(told, zh), told).not.toBe(told);
    const nested = "The annotations of 1.png: a mask leaves its image.";
    expect(serverWords(nested, zh)).toBe("1.png 的标注：某掩膜超出图像。");
  });
  it("have words for every reason for which an export is not made, published, withdrawn or deleted", () => {
    const reasons = Object.values(publishers).flatMap((source) =>
      [...source.matchAll(/Refused\("(.+?)"\)/g)].map(([, text]) => text ?? ""),
    );
    expect(reasons.length).toBeGreaterThan(12);
    expect(reasons.filter((reason) => serverWords(reason, zh) === reason)).toEqual([]);
  });
  it("have words for how an import ends before its end", () => {
    const sentences = [
      "Cancelled. What was imported before stays.",
      "This import has ended: choose the files again.",
      "Nobody went on with this upload for 0.5 days: what had come was deleted. Choose the files again.",
      "It waited in an import that ended: deleted, not imported.",
      "It accepts in a transfer syntax that was not proposed to it.",
      "It does not tell how long a message to it may be.",
    ];
    for (const sentence of sentences) expect(serverWords(sentence, zh), sentence).toMatch(/^[^a-zA-Z]+$/);
  });

  it("have words for every reason for which a webhook is not made", () => {
    const reasons = Object.values(webhooks).flatMap((source) =>
      [...source.matchAll(/(?:AddressRefused|TooManyWebhooks)\(f?"(.+?)"\)/g)].map(([, text]) =>
        filled(text ?? ""),
      ),
    );
    expect(reasons.length).toBeGreaterThan(8);
    expect(reasons.filter((reason) => serverWords(reason, zh) === reason)).toEqual([]);
  });
  it("say why a review was not taken, whatever the reason", () => {
    const refused =
      /ReadingRefused\(\s*"(?:stale|edited|no_reviewer|own_reading|left|blinded)",\s*"(.+?)",?\s*\)/g;
    const reasons = Object.values(reviews).flatMap((source) =>
      [...source.matchAll(refused)].map(([, text]) => text ?? ""),
    );
    const ours = reasons.filter((reason) => !reason.includes("others' readings are visible now"));
    expect(ours.length).toBeGreaterThan(6);
    expect(ours.filter((reason) => serverWords(reason, zh) === reason)).toEqual([]);
  });
  it("of the gate are found, whatever it decides", () => {
    const sentences = [
      "Better than chance on VALIDATION (40 patients). Not worse than version 3 by more than 0.02 on VALIDATION (40 patients).",
      "Its marks meet the lesions of VALIDATION no better than chance: it waits. Worse than version 1 on VALIDATION (dice, auc): it waits.",
      "Not shown to be within 0.02 of version 1 on VALIDATION (dice): it waits.",
      "Not shown to be within 0.02 of version 1 on VALIDATION (AUC of image findings): it waits.",
      "Worse than version 1 on VALIDATION (AUC of image findings): it waits.",
      "mean over 3 findings of the whole image",
      "too few: 5 cases show a finding, 4 do not, of 9 patients",
      "VALIDATION has too few labelled cases to show this version better than chance (1 patient): it waits for a lead.",
      "VALIDATION has too few labelled cases to compare (9 patients): the policy lets it serve unproven.",
      "No version serves: nothing is predicted, and the worklist keeps its order.",
      "scores that are exactly right would show 0.034 here, 19 times of 20 at most 0.051",
    ];
    for (const sentence of sentences) expect(serverWords(sentence, zh)).not.toMatch(/[a-z]{5}/);
  });
  it("stay as they are when nobody listed them", () => {
    expect(serverWords("The tables name two values of patient.", t)).toBe(
      "The tables name two values of patient.",
    );
  });
});
