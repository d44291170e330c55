// A report in a frame of another page. On a disk neither can look into the other, so they send
// messages: the report its height, the page its theme.

const DARK = "(prefers-color-scheme: dark)";

/** Send the report's height to the page around it, and take the page's theme. */
export function followPage(): void {
  if (window.parent === window) return;
  const darkRules = [...document.styleSheets]
    .flatMap((sheet) => [...sheet.cssRules])
    .filter((rule) => rule instanceof CSSMediaRule && rule.conditionText === DARK);
  window.addEventListener("message", ({ source, data }) => {
    if (source !== window.parent || data?.type !== "torchdial-theme") return;
    const { dataset, style } = document.documentElement;
    dataset.theme = style.colorScheme = data.theme === "dark" ? "dark" : "light";
    for (const rule of darkRules) {
      (rule as CSSMediaRule).media.mediaText = dataset.theme === "dark" ? "all" : "not all";
    }
  });
  const sendHeight = () => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    window.parent.postMessage({ type: "torchdial-height", height }, "*");
  };
  new ResizeObserver(sendHeight).observe(document.body);
}
