// uPlot from npm with two changes. It adds listeners to the page only while there are plots, not when it
// is imported: a notebook imports a bundle again for every widget, so those listeners would add up. And
// parts that nothing here uses are left out, since a bundle is sent with each widget.
import { readFile } from "node:fs/promises";

const EDITS = [
  {
    why: "the pixel ratio is read and observed from the first plot on, not from the import",
    find: "domEnv && setPxRatio();",
    replace: "",
  },
  {
    why: "scrolling and resizing are observed until the last plot is destroyed",
    find: `if (domEnv) {
	on(resize, win, invalidateRects);
	on(scroll, win, invalidateRects, true);
	on(dppxchange, win, () => { uPlot.pxRatio = pxRatio; });
}`,
    replace: `
const ratioCallbacks = new Set(); // one for each plot

function watchPage(onRatio) {
  if (ratioCallbacks.size === 0) {
    on(resize, win, invalidateRects);
    on(scroll, win, invalidateRects, true);
    setPxRatio();
  }
  ratioCallbacks.add(onRatio);
}

function unwatchPage(onRatio) {
  ratioCallbacks.delete(onRatio);
  if (ratioCallbacks.size > 0) return;
  win.removeEventListener(resize, invalidateRects);
  win.removeEventListener(scroll, invalidateRects, true);
  query.removeEventListener(change, setPxRatio);
  pxRatio = undefined; // so that the next plot reads and observes it again
}`,
  },
  {
    why: "a plot is made",
    find: "on(dppxchange, win, syncPxRatio);",
    replace: "watchPage(syncPxRatio);",
  },
  {
    why: "a plot is destroyed",
    find: "off(dppxchange, win, syncPxRatio);",
    replace: "unwatchPage(syncPxRatio);",
  },
  {
    why: "a new ratio goes to the plots of this bundle only, not through the page to all bundles",
    find: "win.dispatchEvent(new CustomEvent(dppxchange));",
    replace: `uPlot.pxRatio = pxRatio;
    for (const onRatio of ratioCallbacks) onRatio();`,
  },
];

/** Parts of uPlot that nothing here uses; esbuild leaves out what they alone refer to. */
const UNUSED = [
  {
    why: "curves that are stepped, bars or splines",
    find: `{
	uPlot.addGap = addGap;
	uPlot.clipGaps = clipGaps;

	let paths = uPlot.paths = {
		points,
	};

	(paths.linear  = linear);
	(paths.stepped = stepped);
	(paths.bars    = bars);
	(paths.spline  = monotoneCubic);
}`,
  },
  ...[
    `const [ timeIncrsMs, _timeAxisStampsMs, timeAxisSplitsMs ] = genTimeStuffs(1);
const [ timeIncrsS,  _timeAxisStampsS,  timeAxisSplitsS  ] = genTimeStuffs(1e-3);`,
    "const _fmtDate = (opts.fmtDate || fmtDate);",
    "const _timeAxisSplits = (ms == 1 ? timeAxisSplitsMs(_tzDate) : timeAxisSplitsS(_tzDate));",
    "const _timeAxisVals   = timeAxisVals(_tzDate, timeAxisStamps((ms == 1 ? _timeAxisStampsMs : _timeAxisStampsS), _fmtDate));",
    "const _timeSeriesVal  = timeSeriesVal(_tzDate, timeSeriesStamp(_timeSeriesStamp, _fmtDate));",
    "isTime ? (isStr(sv) ? timeSeriesVal(_tzDate, timeSeriesStamp(sv, _fmtDate)) : sv || _timeSeriesVal) : ",
    "isTime ? (ms == 1 ? timeIncrsMs : timeIncrsS) : ",
    "isTime && sc.distr == 1 ? _timeAxisSplits : ",
    `isTime ? (
					// config array of fmtDate string tpls
					isArr(av) ?
						timeAxisVals(_tzDate, timeAxisStamps(av, _fmtDate)) :
					// fmtDate string tpl
					isStr(av) ?
						timeAxisVal(_tzDate, av) :
					av || _timeAxisVals
				) : `,
    `	uPlot.fmtDate = fmtDate;
	uPlot.tzDate  = tzDate;`,
  ].map((find) => ({ why: "axes of dates", find })),
].map((part) => ({ ...part, replace: "" }));

export const quietUPlot = {
  name: "uPlot without lasting listeners",
  setup(build) {
    build.onLoad({ filter: /uPlot\.esm\.js$/ }, async ({ path }) => {
      let contents = await readFile(path, "utf8");
      for (const { why, find, replace } of [...EDITS, ...UNUSED]) {
        const count = contents.split(find).length - 1;
        if (count !== 1) throw new Error(`uplot.mjs: ${find} is ${count} times in uPlot (${why})`);
        contents = contents.replace(find, () => replace);
      }
      return { contents };
    });
  },
};
