import { defineConfig } from "vitest/config";

// The entries, and what draws in a page, are tested in a browser: tests/e2e.
export default defineConfig({
  test: {
    coverage: {
      include: ["src/lib/**"],
      reporter: ["text-summary"],
      thresholds: { statements: 48, branches: 48, functions: 46, lines: 47 },
    },
  },
});
