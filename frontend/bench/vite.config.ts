import { defineConfig } from "vite";

const here = (path: string) => new URL(path, import.meta.url).pathname;

// The bare page that `make bench` compares the reading room with; built into the bench's cache folder.
export default defineConfig({
  root: here("."),
  // vtk.js pulls it in for XML files that nobody reads; the real one breaks the production build.
  resolve: { alias: { xmlbuilder2: here("./stubs/xmlbuilder2.ts") } },
  build: { assetsInlineLimit: 0, chunkSizeWarningLimit: 4096, emptyOutDir: true },
  worker: { format: "es" },
});
