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
  ["const rectH = rect(0);\nconst rectV = rect(1);", ""],
  ["const drawAccH = _drawAcc(lineToH);\nconst drawAccV = _drawAcc(lineToV);", ""],
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
  // Limits that follow the data, and its words for numbers: ours are told.
  [/let isTime = sc\.time;[\s\S]*?\n\t{4}\)\);/, "sc.range = fnOrSelf(sc.range);"],
  ["rangeIsArr ? false : sc.auto", "sc.auto"],
  [/else if \(_min == _max\) \{[\s\S]*?\n\t{4}\}/, ""],
  ["uPlot.rangeNum = rangeNum;", ""],
  ["uPlot.rangeLog = rangeLog;", ""],
  ["uPlot.fmtNum = fmtNum;", ""],
  ["const numFormatter = new Intl.NumberFormat(domEnv ? nav.language : 'en-US');", ""],
  ["genIncrs(2, -53, 53, [1]);", ""],
  ["av || numAxisVals", "av"],
  ["sv || numSeriesVal", "sv"],
  // Its other mode, of scattered points.
  [/\bmode == 2\b/g, "false"],
  [/\bmode == 1\b/g, "true"],
  // Tables side by side, and dates.
  [/\{\s*uPlot\.join = join;\s*\}/, ""],
  [/\{\s*uPlot\.fmtDate = [\s\S]*?\n\}/, ""],
  [/const months = [\s\S]*?const engNames = \{[\s\S]*?\n\};/, ""],
  [/const localTz = .*/, ""],
  [/const NL = [\s\S]*?const NLhmmaa = .*/, ""],
  // Its legend: ours is made of buttons.
  [/function initLegendRow\([\s\S]*?(?=\n\tconst mouseListeners)/, ""],
  [/if \(legend\.show && legend\.live && shouldSetLegend\) \{[\s\S]*?\n\t\t\}/, ""],
  [/\t\tif \(shouldSetLegend\) \{[\s\S]*?\n\t\t\}/, ""],
  [/function setLegend\([\s\S]*?(?=\n\tfunction updateCursor)/, ""],
  ["const showLegend = legend.show;", ""],
  [/\bshowLegend\b/g, "false"],
  // Points of series under the pointer: ours has none.
  [/if \(cursor\.dataIdx == null\) \{[\s\S]*?\n\t\}/, ""],
  [/points\.show {3}= fnOrSelf[\s\S]*?(?=\n\tconst focus = )/, ""],
  [/function initCursorPt\([\s\S]*?(?=\n\tfunction initSeries)/, ""],
  [/if \(showCursor\) \{\s*activeIdxs\.splice[\s\S]*?\n\t\t\}/, ""],
  [/for \(let i = 0; i < cursorPts\.length; i\+\+\) \{[\s\S]*?\n\t{5}\}/, ""],
  [/for \(let i = 0; i < series\.length; i\+\+\) \{\s*let pt = cursorPts[\s\S]*?\n\t{3}\}/, ""],
  [/\/\/ closest pt values[\s\S]*?(?=\n\t\t\}\n\n\t\t\/\/ nit: cursor)/, ""],
  [/if \(cursorFocus\) \{\s*let shouldPub[\s\S]*?\n\t\t\t\}/, ""],
  // Where a log axis has its ticks: we say so ourselves.
  ["sc.distr == 3 ? logAxisSplits : ", ""],
  [/axis\.filter \|\| \([^)]*\)/, "axis.filter || retArg1"],
  // What was drawn at once is not drawn again later.
  ["microTask(_commit);", "microTask(() => queuedCommit && _commit());"],
  // Listeners of a whole page, which stay: each plot has its own for as long as it is there, and
  // looks where it lies when the pointer moves.
  [/const cursorPlots [\s\S]*?\nif \(domEnv\) \{[\s\S]*?\n\}/, ""],
  [/let rect = null;\s*Object\.defineProperty[\s\S]*?(?=\n\tfunction mouseMove)/, ""],
  [/if \(rect == null\)\s*syncRect\(false\);\s*(?=setCursorEvent)/, ""],
  [
    "_l = e.clientX - rect.left;",
    "const rect = over.getBoundingClientRect();_l = e.clientX - rect.left;",
  ],
  [/setCursorEvent\(e\);\s*syncRect\(false\);/, "setCursorEvent(e);"],
  [/cursorPlots\.add\(self\);\s*self\.syncRect = syncRect;/, ""],
  ["cursorPlots.delete(self);", ""],
  ["syncRect(true);", ""],
  [/let query;\s*function setPxRatio[\s\S]*?\n\}/, ""],
  ["domEnv && setPxRatio();", ""],
  [
    "on(dppxchange, win, syncPxRatio);",
    `let query;
    function watchPxRatio() {
      uPlot.pxRatio = pxRatio = devicePixelRatio;
      query = matchMedia(\`(min-resolution: \${pxRatio - 0.001}dppx) and (max-resolution: \${pxRatio + 0.001}dppx)\`);
      on(change, query, syncPxRatio);
    }
    watchPxRatio();`,
  ],
  [
    /axes\.forEach\(syncFontSize\);/,
    "off(change, query, syncPxRatio);watchPxRatio();axes.forEach(syncFontSize);",
  ],
  ["off(dppxchange, win, syncPxRatio);", "off(change, query, syncPxRatio);"],
  ["uPlot.pxRatio = pxRatio;", ""],
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
