import { resolve } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const gateway = process.env.REDLINE_URL ?? "http://127.0.0.1:8080";
const here = import.meta.dirname;

/** What the gateway itself answers, while Vite serves the page. */
const proxy = {
  "/graphql": { target: gateway, ws: true },
  "/oauth": { target: gateway },
  "/dashboard.json": { target: gateway },
  "/dashboard/": { target: gateway },
};

/** The gateway's own policy for the page: what it would refuse is refused in the preview as well. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export default defineConfig({
  root: here,
  plugins: [react()],
  server: { proxy },
  // They import workers as Vite does, which its dependency optimizer doesn't understand.
  optimizeDeps: { exclude: ["graphiql/setup-workers/vite", "@graphiql/react/setup-workers/vite"] },
  preview: { proxy, headers: { "Content-Security-Policy": policy } },
  build: {
    outDir: resolve(here, "../dist"),
    emptyOutDir: true,
    // The licences of what is built in, which ask to be passed on.
    license: { fileName: "licenses.txt" },
    // Monaco, the editor of the explorer, is large; what the dashboard loads is judged by scripts/size.mjs.
    chunkSizeWarningLimit: 3_000,
    target: "es2022",
    // The policy takes neither inline scripts nor data: URLs but for pictures.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: resolve(here, "index.html"), explorer: resolve(here, "explorer.html") },
      // GraphiQL's files carry directives for React's compiler, which has been over them already.
      onLog: (level, log, tell) => log.code === "MODULE_LEVEL_DIRECTIVE" || tell(level, log),
    },
  },
  // No test leaves anything behind, so that one process is enough for all files.
  test: { include: ["src/**/*.test.ts"], setupFiles: ["src/testing.ts"], isolate: false },
});
