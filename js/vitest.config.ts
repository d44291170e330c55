import { defineConfig } from "vitest/config";

// The entries, and what draws in a page, are tested in a browser: tests/e2e.
export default defineConfig({
  test: {
    coverage: {
      include: ["src/lib/**"],
      reporter: ["text-summary"],
      thresholds: { statements: 46, branches: 46, functions: 44, lines: 45 },
    },
  },
});
