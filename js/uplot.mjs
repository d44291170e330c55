// uPlot as it is on npm, but for one thing: it listens to the page from the moment it is imported, for
// as long as the page is open. A notebook imports a bundle anew for every widget, so such listeners
// would add up. Here uPlot listens only while there are plots.
import { readFile } from "node:fs/promises";

const EDITS = [
  {
    why: "the pixel ratio is read and followed from the first plot on, not from the import on",
    find: "domEnv && setPxRatio();",
    replace: "",
  },
  {
    why: "so are scrolling and resizing, until the last plot is destroyed",
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
  pxRatio = undefined; // so that the next plot reads and follows it again
}`,
  },
  {
    why: "a plot joins",
    find: "on(dppxchange, win, syncPxRatio);",
    replace: "watchPage(syncPxRatio);",
  },
  {
    why: "a plot leaves",
    find: "off(dppxchange, win, syncPxRatio);",
    replace: "unwatchPage(syncPxRatio);",
  },
  {
    why: "a new ratio goes to the plots of this bundle, not by the page to those of all bundles",
    find: "win.dispatchEvent(new CustomEvent(dppxchange));",
    replace: `uPlot.pxRatio = pxRatio;
    for (const onRatio of ratioCallbacks) onRatio();`,
  },
];

export const quietUPlot = {
  name: "uPlot that leaves no listeners",
  setup(build) {
    build.onLoad({ filter: /uPlot\.esm\.js$/ }, async ({ path }) => {
      let contents = await readFile(path, "utf8");
      for (const { why, find, replace } of EDITS) {
        const count = contents.split(find).length - 1;
        if (count !== 1) throw new Error(`uplot.mjs: ${find} is ${count} times in uPlot (${why})`);
        contents = contents.replace(find, () => replace);
      }
      return { contents };
    });
  },
};
