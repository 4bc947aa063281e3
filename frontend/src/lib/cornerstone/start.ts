/** Starts Cornerstone once per page. The reading room draws its own marks, so the tools package is not loaded at all. */
import { cache, getRenderingCapabilities, RenderingEngine, init as startCore } from "@cornerstonejs/core";
import { init as startLoader } from "@cornerstonejs/dicom-image-loader";
import { memoryLimit } from "./frame-memory";
import { answerForHeaders } from "./metadata";

let engine: RenderingEngine | null = null;

/** Whether the browser can draw on the graphics card, really or in software. Cornerstone tries it once, and we do not again. */
export function hasWebGl2(): boolean {
  return getRenderingCapabilities().webgl2;
}

/** The one rendering engine; it outlives a case, so that the next one draws at once. */
export function renderingEngine(): RenderingEngine {
  if (engine) return engine;
  // One viewport needs one context; the default makes seven.
  const rendering = { webGlContextCount: 1, useCPURendering: !hasWebGl2() };
  startCore({ rendering } as Parameters<typeof startCore>[0]);
  startLoader({ maxWebWorkers: Math.max(1, Math.min(4, Math.floor(navigator.hardwareConcurrency / 2))) });
  cache.setMaxCacheSize(memoryLimit());
  answerForHeaders();
  window.addEventListener("unhandledrejection", withoutRequests);
  engine = new RenderingEngine("reading-room");
  return engine;
}

/**
 * The image loader rejects twice when a frame cannot be fetched: once to its caller, who says so in the view, and once
 * to nobody, with the bare request.
 */
function withoutRequests(event: PromiseRejectionEvent): void {
  if (event.reason instanceof XMLHttpRequest) event.preventDefault();
}
