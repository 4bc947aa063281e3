/** Cornerstone and nothing else: one viewport, one series, the wheel. What the reading room costs on top is measured against it. */
import { Enums, imageLoader, RenderingEngine, init as startCore, type Types } from "@cornerstonejs/core";
import { init as startLoader, wadors } from "@cornerstonejs/dicom-image-loader";

const query = new URLSearchParams(window.location.search);
const element = document.querySelector<HTMLDivElement>("#bare") as HTMLDivElement;
element.style.width = `${query.get("width") ?? 800}px`;
element.style.height = `${query.get("height") ?? 800}px`;

const root = `${window.location.origin}/dicom-web/${query.get("project")}/studies/${query.get("study")}`;
const response = await fetch(`${root}/metadata`, { headers: { Accept: "application/dicom+json" } });
const headers = (await response.json()) as Record<string, { Value: string[] }>[];

startCore();
startLoader({ maxWebWorkers: Math.max(1, Math.floor(navigator.hardwareConcurrency / 2)) });
const imageIds = headers.map((header) => {
  const [series, instance] = ["0020000E", "00080018"].map((tag) => header[tag]?.Value[0]);
  const imageId = `wadors:${root}/series/${series}/instances/${instance}/frames/1`;
  wadors.metaDataManager.add(imageId, header as never);
  return imageId;
});

const engine = new RenderingEngine("bare");
engine.enableElement({ viewportId: "bare", type: Enums.ViewportType.STACK, element });
const viewport = engine.getViewport("bare") as Types.IStackViewport;
element.addEventListener("wheel", (event) => {
  const to = viewport.getTargetImageIdIndex() + Math.sign(event.deltaY);
  if (to >= 0 && to < imageIds.length) void viewport.setImageIdIndex(to);
});
await viewport.setStack(imageIds, 0);
viewport.render();

const waiting = imageIds.slice(1);
const load = async () => {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    await imageLoader.loadAndCacheImage(next, { requestType: Enums.RequestType.Prefetch, priority: 0 });
  }
};
await Promise.all([load(), load(), load()]);
document.title = "all loaded";
