// Live widgets stand in frames. On a disk the page cannot look into them, so they send their height
// and get the page's theme; the other side is js/src/lib/report/page_frame.ts.

const frames = () => [...document.querySelectorAll(".live iframe")];

function sendTheme(frame) {
  const { theme } = document.documentElement.dataset;
  frame.contentWindow.postMessage({ type: "torchdial-theme", theme }, "*");
}

addEventListener("message", ({ source, data }) => {
  if (data?.type !== "torchdial-height") return;
  const frame = frames().find(({ contentWindow }) => contentWindow === source);
  if (!frame) return;
  frame.style.height = `${data.height}px`;
  if (frame.dataset.shown) return;
  frame.dataset.shown = "true";
  sendTheme(frame);
});
new MutationObserver(() => frames().forEach(sendTheme)).observe(document.documentElement, {
  attributeFilter: ["data-theme"],
});
