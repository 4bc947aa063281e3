// @vitest-environment jsdom
import "fake-indexeddb/auto";
import { act } from "react";
import { createRoot } from "react-dom/client";
import { MemoryRouter } from "react-router";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { UnsentStrip } from "@/app/unsent-strip";
import { type JournalEntry, journal } from "@/features/reading/state/journal";
import i18n from "@/lib/i18n";

const server = vi.hoisted(() => ({ isThere: false, saved: 0 }));
const rita = "rita";

vi.mock("@/features/reading/api/reading-api", () => ({
  transportOf: () => ({
    current: async () => (server.isThere ? { kind: "ok", reading: { ...READING } } : { kind: "unreachable" }),
    save: async () => {
      server.saved += 1;
      return { kind: "ok", reading: { ...READING, revision: 1, etag: "1" } };
    },
  }),
}));

const EMPTY = {
  ...{ lesions: [], decisions: {}, verdict: "" as const, verdict_reason: "", comment: "" },
  ...{ image_findings: {}, measurements: [], display_threshold: null },
};
const READING = { ...EMPTY, id: "r", decisions: [], state: "draft", slices_read: null, revision: 0, etag: "0" };
const LEFT = {
  ...{
    key: "rita|r|dead",
    user: rita,
    slug: "chest",
    caseId: "c",
    caseName: "CT-0001",
    reading: "r",
    tab: "dead",
  },
  ...{ etag: "0", base: EMPTY, doc: { ...EMPTY, comment: "left" }, flight: null, blobs: {}, submit: false },
  ...{ activeSeconds: 0, slicesRead: null, touched: 0 },
} satisfies JournalEntry;

const ground = document.createElement("div");
let root: ReturnType<typeof createRoot>;

const turn = () => act(() => new Promise<void>((done) => setTimeout(done, 20)));
const soon = (check: () => void) =>
  vi.waitFor(
    async () => {
      await turn();
      check();
    },
    { timeout: 4000 },
  );

beforeEach(async () => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  await i18n.changeLanguage("en");
  await i18n.loadNamespaces("reading");
  await journal.put(LEFT);
  root = createRoot(ground);
  await act(async () =>
    root.render(
      <MemoryRouter>
        <UnsentStrip user={rita} />
      </MemoryRouter>,
    ),
  );
});

afterEach(async () => {
  await act(async () => root.unmount());
  await journal.purge(rita);
});

it("says what stays unsent, and sends it from any page when the network is back", async () => {
  await soon(() => expect(ground.textContent).toContain("CT-0001"));
  expect(ground.querySelector("a")?.getAttribute("href")).toBe("/p/chest/read/c");
  server.isThere = true;
  await act(async () => window.dispatchEvent(new Event("online")));
  await soon(() => expect(ground.textContent).toBe(""));
  expect(server.saved).toBe(1);
  expect(await journal.entriesOf(rita)).toEqual([]);
});
