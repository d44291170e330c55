// The first script of a report: brings report.ts to life, or says in words why it cannot.
// The page's policy knows both by their hashes.

import { inflateText } from "./lib/report/gunzip";

try {
  const script = document.createElement("script");
  script.type = "module";
  script.textContent = await inflateText("code");
  document.body.append(script);
} catch (error) {
  const words = document.querySelector("main > p:last-child") as HTMLElement;
  words.textContent = `This browser cannot open the report; a current one can. (${error})`;
}
