import { defineConfig } from "vite";

// Where `npm run dev` finds a controller or the mock.
const controller = process.env.DROVER_URL ?? "http://127.0.0.1:8089";

export default defineConfig({
  base: "./",
  esbuild: { jsx: "automatic", legalComments: "none" },
  build: { target: "es2022", modulePreload: { polyfill: false }, reportCompressedSize: false },
  server: { proxy: { "^/drover\\.v1\\.": { target: controller, changeOrigin: true } } },
  test: { include: ["src/**/*.test.ts"] },
} as Parameters<typeof defineConfig>[0]);
