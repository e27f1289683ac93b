import { loadEnv, type HtmlTagDescriptor, type Plugin } from "vite";
import { defineConfig } from "vitest/config";

// `npm run dev` beside a running `tongke serve`: the pages from Vite, all else from the server.
const server = loadEnv("", ".", "TONGKE_").TONGKE_SERVER ?? "http://localhost:8000";

/** The page itself names the frame's code: it comes beside what asks for it, not after. */
const frameFirst: Plugin = {
  name: "frame-first",
  transformIndexHtml: {
    order: "post",
    handler(_html, { bundle = {} }): HtmlTagDescriptor[] {
      const files = new Set<string>();
      const add = (file: string): void => {
        const chunk = bundle[file];
        if (chunk?.type !== "chunk" || chunk.isEntry || files.has(file)) return;
        files.add(file);
        chunk.imports.forEach(add);
      };
      for (const chunk of Object.values(bundle)) {
        if (chunk.type === "chunk" && chunk.facadeModuleId?.endsWith("/src/app.ts")) {
          add(chunk.fileName);
        }
      }
      return [...files].map((file) => ({
        tag: "link",
        attrs: { rel: "modulepreload", crossorigin: true, href: `/${file}` },
        injectTo: "head",
      }));
    },
  },
};

export default defineConfig({
  plugins: [frameFirst],
  build: {
    outDir: "dist",
    // Room PCs are old and seldom updated; Chromium 100 is the oldest that simulcasts as we ask.
    target: ["chrome100", "firefox115", "safari16"],
    modulePreload: { polyfill: false },
    sourcemap: false,
    manifest: true, // what each page loads; the tests weigh it
  },
  server: {
    proxy: {
      "/api": { target: server, secure: false },
      "/media": { target: server, secure: false },
      "/ws": { target: server, ws: true, secure: false },
    },
  },
  test: {
    include: ["tests/**/*.test.ts"],
    environment: "node",
    setupFiles: ["tests/dom.ts"],
    // A busy machine may be slow; what hangs is told all the same.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
