// Writes which sources the built files were made from, so that a test without Node can tell
// whether somebody changed one and forgot the other. Types are left out: nothing is built of them.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const built = "../../../veza/static/veza/web";
const sources = ["index.html", "package-lock.json", "tsconfig.json", "vite.config.ts"];

function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const digest = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");
const digests = (paths) => Object.fromEntries(paths.sort().map((path) => [path, digest(path)]));

const written = digests([...sources, ...filesOf("src").filter((path) => !path.endsWith(".d.ts"))]);
const made = digests(filesOf(built).filter((path) => !path.endsWith("build.json")));
const relative = Object.entries(made).map(([path, hash]) => [path.slice(built.length + 1), hash]);

const manifest = { sources: written, files: Object.fromEntries(relative) };
writeFileSync(join(built, "build.json"), `${JSON.stringify(manifest, null, 2)}\n`);
