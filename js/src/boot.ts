// The first script of a report: decompresses and runs report.ts, or shows why it cannot.
// The content security policy of the page allows both by their hashes.

import { inflateText } from "./lib/report/gunzip";

try {
  const script = document.createElement("script");
  script.type = "module";
  script.textContent = await inflateText("code");
  document.body.append(script);
} catch (error) {
  const notice = document.querySelector("main > p:last-child") as HTMLElement;
  notice.textContent = `This browser cannot open the report; open it in a current one. (${error})`;
}
