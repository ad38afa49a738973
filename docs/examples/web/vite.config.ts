import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The built files lie in the package of the server, which serves them at `/`.
const server = process.env.VEZA ?? "http://127.0.0.1:8000";
const passedOn = ["/api", "/files", "/static", "/admin", "/account"];

export default defineConfig(({ command }) => ({
  base: command === "build" ? "/static/veza/web/" : "/",
  plugins: [react()],
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
