import { defineConfig } from "vite";

/** The page is built into the command line, which serves it. */
export default defineConfig({
  root: import.meta.dirname,
  base: "/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../cli/dist/web",
    emptyOutDir: true,
    target: "es2022",
    // The page's policy allows no inline scripts, and no data URLs but for pictures.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
  },
  worker: { format: "es" },
});
