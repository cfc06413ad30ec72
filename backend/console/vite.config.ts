import { gzipSync } from "node:zlib";
import { defaultClientConditions, defineConfig, type Plugin } from "vite";

/** Prints what the page weighs, as it is sent. */
function sizes(): Plugin {
  return {
    name: "sizes",
    writeBundle(_options, bundle) {
      const files = Object.values(bundle).filter((file) => /\.(js|css)$/.test(file.fileName));
      for (const file of files) {
        const text = file.type === "chunk" ? file.code : file.source;
        console.log(
          `  ${file.fileName.padEnd(44)} ${(gzipSync(text).length / 1000).toFixed(1).padStart(6)} kB gzipped`,
        );
      }
    },
  };
}

export default defineConfig({
  // Works below any path of any host.
  base: "./",
  plugins: [sizes()],
  // The event client by its sources, not as it is built for npm.
  resolve: { conditions: ["@vibewire/source", ...defaultClientConditions] },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 400,
    rolldownOptions: { input: { main: "index.html", docs: "docs.html" } },
  },
  server: {
    proxy: {
      "^/(projects|sessions|messages|health|openapi.json)": "http://127.0.0.1:8765",
      "/socket.io": { target: "http://127.0.0.1:8765", ws: true },
    },
  },
});
