// Prints what a first visit to the dashboard loads, compressed, and fails where the scripts come to more than they may.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";

const limit = 200_000;
const dist = resolve(import.meta.dirname, "../../dist");
const html = readFileSync(resolve(dist, "index.html"), "utf8");
const files = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.(?:js|css))"/g)].map((m) => m[1]);
let scripts = 0;
for (const file of files) {
  const bytes = gzipSync(readFileSync(resolve(dist, `.${file}`)), { level: 9 }).length;
  if (file.endsWith(".js")) scripts += bytes;
  console.log(`${String(bytes).padStart(8)} B  ${file}`);
}
console.log(`${String(scripts).padStart(8)} B  of script at first load, of ${limit}`);
if (!files.some((f) => f.endsWith(".js")) || scripts > limit) process.exit(1);
