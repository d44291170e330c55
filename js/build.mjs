// Builds one bundle for each widget, src/*.ts and src/*.css, into the Python package.
import { argv } from "node:process";
import * as esbuild from "esbuild";
import { quietUPlot } from "./uplot.mjs";

const options = {
  entryPoints: ["src/*.ts", "src/*.css"],
  outdir: "../src/torchdial/static",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  // Both are for shorter bundles.
  define: {
    "Number.NaN": "NaN",
    "Number.isNaN": "isNaN",
    "Number.POSITIVE_INFINITY": "Infinity",
  },
  inject: ["short_names.mjs"],
  logLevel: "info",
  plugins: [quietUPlot],
};

if (argv.includes("--watch")) {
  const context = await esbuild.context({ ...options, minify: false });
  await context.watch();
} else {
  await esbuild.build(options);
}
