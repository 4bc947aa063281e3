/** app → features → ui → lib: features never import each other, and nothing imports upward. */
import { expect, it } from "vitest";

const sources = import.meta.glob<string>("../**/*.{ts,tsx}", { eager: true, query: "?raw", import: "default" });
const LAYERS = ["lib", "ui", "features", "app"];

interface Import {
  from: string;
  to: string;
}

const imports: Import[] = Object.entries(sources).flatMap(([path, source]) => {
  const from = path.startsWith("../") ? path.slice(3) : `app/${path.replace(/^\.\//, "")}`;
  return [...source.matchAll(/(?:from|import)\s*\(?\s*"(@\/|\.\.?\/)([^"]+)"/g)].map((match) => {
    const [, root = "", rest = ""] = match;
    return { from, to: root === "@/" ? rest : resolved(from, root + rest) };
  });
});

function resolved(from: string, relative: string): string {
  return new URL(relative, `http://x/${from}`).pathname.slice(1);
}
const layerOf = (path: string) => LAYERS.indexOf(path.split("/")[0] ?? "");
const featureOf = (path: string) => (path.startsWith("features/") ? path.split("/")[1] : undefined);

it("reads the sources", () => {
  expect(imports.length).toBeGreaterThan(100);
});

it("lets no feature import another", () => {
  const wrong = imports.filter(({ from, to }) => {
    const [one, other] = [featureOf(from), featureOf(to)];
    return one !== undefined && other !== undefined && one !== other;
  });
  expect(wrong).toEqual([]);
});

it("lets nothing import upward", () => {
  const wrong = imports.filter(({ from, to }) => layerOf(from) >= 0 && layerOf(to) > layerOf(from));
  expect(wrong).toEqual([]);
});
