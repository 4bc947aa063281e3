import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const backend = "http://127.0.0.1:8000";
const here = (path: string) => new URL(path, import.meta.url).pathname;

// Built, the page is served by Django and its assets from /static/; in development Vite serves the page itself.
export default defineConfig(({ command }) => ({
  base: command === "build" ? "/static/" : "/",
  plugins: [react()],
  resolve: {
    alias: { "@": here("./src") },
  },
  build: {
    outDir: "dist",
    // The content security policy allows no data: fonts, so nothing is inlined.
    assetsInlineLimit: 0,
  },
  worker: { format: "es" },
  // The decoders are CommonJS, and the worker that imports them is found too late by itself.
  optimizeDeps: {
    include: [
      "@cornerstonejs/codec-charls/decodewasmjs",
      "@cornerstonejs/codec-openjpeg/decodewasmjs",
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
