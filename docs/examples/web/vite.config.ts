import { existsSync, readFileSync } from "node:fs";

import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// The built files lie in the package of the server, which serves them at `/`.
const server = process.env.VEZA ?? "http://127.0.0.1:8000";
const passedOn = ["/api", "/files", "/static", "/admin", "/account"];

/** The licences of all that is built in, as those licences ask. */
function licences(): Plugin {
  const names = ["LICENSE", "LICENSE.md", "LICENSE.txt", "license", "LICENCE"];
  const textOf = (folder: string) => names.map((name) => `${folder}/${name}`).find(existsSync);
  return {
    name: "licences",
    generateBundle(_, bundle) {
      const modules = Object.values(bundle).flatMap((each) => (each.type === "chunk" ? each.moduleIds : []));
      const found = new Map(
        modules.map((id) => id.match(/^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/)).flatMap((path) => (path ? [[path[1]!, path[0]]] : [])),
      );
      const told = [...found].sort().map(([name, folder]) => {
        const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8")) as Record<string, string>;
        const text = textOf(folder);
        return `${name} ${version} (${license})\n\n${text ? readFileSync(text, "utf8").trim() : ""}\n`;
      });
      this.emitFile({ type: "asset", fileName: "licences.txt", source: told.join("\n\n----\n\n") });
    },
  };
}

export default defineConfig(({ command }) => ({
  base: command === "build" ? "/static/veza/web/" : "/",
  plugins: [react(), licences()],
  build: {
    outDir: "../../../veza/static/veza/web",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the policy of the page takes no data: but pictures
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
  },
  server: {
    port: 5173,
    proxy: {
      ...Object.fromEntries(passedOn.map((path) => [path, { target: server, changeOrigin: true }])),
      "/connection/websocket": { target: server, ws: true, changeOrigin: true },
    },
  },
}));
