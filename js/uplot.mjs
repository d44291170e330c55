// uPlot without the parts we do not draw with: its own build has switches for them, the package on
// npm has all of them on. Each edit must find its place, so a new version cannot slip past.
import { readFile } from "node:fs/promises";

const EDITS = [
  // Calendar time.
  ["const FEAT_TIME          = true;", "const FEAT_TIME = false;"],
  [
    /const \[ timeIncrsMs, .*\n.*genTimeStuffs\(1e-3\);/,
    "const timeIncrsS = null, timeIncrsMs = null;",
  ],
  [/const _tzDate {2}= [\s\S]*?const _timeSeriesVal .*\n/, "const _timeAxisSplits = null;\n"],
  ["let isTime = mode == 1 && scales[s.scale].time;", ""],
  [
    "s.value = isTime ? (isStr(sv) ? timeSeriesVal(_tzDate, timeSeriesStamp(sv, _fmtDate)) : sv || _timeSeriesVal) : sv || numSeriesVal;",
    "s.value = sv || numSeriesVal;",
  ],
  ["(isTime ? timeSeriesLabel : numSeriesLabel)", "numSeriesLabel"],
  [/isTime \? \(\s*(\/\/.*\s*)?isArr\(av\)[\s\S]*?av \|\| _timeAxisVals\s*\)\s*:/, ""],
  ["isTime && sc.distr == 1 ? _timeAxisSplits : ", ""],
  ["(isTime ? (ms == 1 ? timeIncrsMs : timeIncrsS) : numIncrs)", "numIncrs"],
  // Paths of its own: ours are drawn by a hook.
  ["const linearPath = linear() ;", "const linearPath = null;"],
  ["const pointsPath = points() ;", "const pointsPath = null;"],
  ["uPlot.orient   = orient;", ""],
  [/\{\s*uPlot\.addGap = [\s\S]*?\n\}/, ""],
  [/function drawSeries\(\) \{[\s\S]*?(?=\tfunction getIncrSpace)/, ""],
  ["\t\tseries: drawSeries,\n", ""],
  ['["axes", "series"]', '["axes"]'],
  [/function setBand\([\s\S]*?self\.delBand = delBand;/, ""],
  [/function addSeries\([\s\S]*?self\.delSeries = delSeries;/, ""],
  // Scales that are linear around zero.
  [/[\w.]*[dD]istr == 4/g, "false"],
  ["uPlot.rangeAsinh = rangeAsinh;", ""],
  // Its other mode, of scattered points.
  [/\bmode == 2\b/g, "false"],
  [/\bmode == 1\b/g, "true"],
  // Tables side by side, and dates.
  [/\{\s*uPlot\.join = join;\s*\}/, ""],
  [/\{\s*uPlot\.fmtDate = [\s\S]*?\n\}/, ""],
  // Its legend: ours is made of buttons.
  [/function initLegendRow\([\s\S]*?(?=\n\tconst mouseListeners)/, ""],
  [/if \(legend\.show && legend\.live && shouldSetLegend\) \{[\s\S]*?\n\t\t\}/, ""],
  [/\t\tif \(shouldSetLegend\) \{[\s\S]*?\n\t\t\}/, ""],
  [/function setLegend\([\s\S]*?(?=\n\tfunction updateCursor)/, ""],
  ["const showLegend = legend.show;", ""],
  [/\bshowLegend\b/g, "false"],
  // Points of series under the pointer: ours has none.
  [/\/\/ closest pt values[\s\S]*?(?=\n\t\t\}\n\n\t\t\/\/ nit: cursor)/, ""],
  [/if \(cursorFocus\) \{\s*let shouldPub[\s\S]*?\n\t\t\t\}/, ""],
  // Where a log axis has its ticks: we say so ourselves.
  ["sc.distr == 3 ? logAxisSplits : ", ""],
  [/axis\.filter \|\| \([^)]*\)/, "axis.filter || retArg1"],
];

export const leanUPlot = {
  name: "lean uPlot",
  setup(build) {
    build.onLoad({ filter: /uPlot\.esm\.js$/ }, async ({ path }) => {
      let contents = await readFile(path, "utf8");
      for (const [part, instead] of EDITS) {
        const found = contents.split(part).length > 1;
        if (!found) throw new Error(`uPlot has changed: ${part} is not there`);
        contents = contents.replace(part, () => instead);
      }
      return { contents };
    });
  },
};
