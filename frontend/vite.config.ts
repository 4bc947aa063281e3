import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const backend = "http://127.0.0.1:8000";
const here = (path: string) => new URL(path, import.meta.url).pathname;

// Built, the page is served by Django and its assets from /static/; in development Vite serves the page itself.
export default defineConfig(({ command }) => ({
  base: command === "build" ? "/static/" : "/",
  plugins: [react()],
  resolve: {
    alias: {
      "@": here("./src"),
      // vtk.js pulls it in for XML files that we never read; the real one breaks the production build.
      xmlbuilder2: here("./src/stubs/xmlbuilder2.ts"),
    },
  },
  build: {
    outDir: "dist",
    // The content security policy allows no data: fonts, so nothing is inlined.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4096,
  },
  worker: { format: "es" },
  // The image loader starts a worker by URL, which pre-bundling would break; its decoders are CommonJS and need it.
  optimizeDeps: {
    exclude: ["@cornerstonejs/dicom-image-loader"],
    include: [
      "dicom-parser",
      "pako",
      "@cornerstonejs/jpeg-lossless-decoder-js",
      "@cornerstonejs/codec-charls/decodewasmjs",
      "@cornerstonejs/codec-openjpeg/decodewasmjs",
      "@cornerstonejs/codec-openjph/wasmjs",
      "@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs",
    ],
  },
  test: { include: ["src/**/*.test.{ts,tsx}"] },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/dicom-web", "/accounts", "/i18n", "/static/overread"].map((path) => [path, backend]),
    ),
  },
}));
