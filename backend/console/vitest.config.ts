import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  ssr: { resolve: { conditions: ["@vibewire/source", ...defaultServerConditions] } },
  test: { include: ["tests/**/*.test.ts"] },
});
