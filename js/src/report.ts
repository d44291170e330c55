// All widgets in one script, for a report without a kernel; src/torchdial/report/html_file.py writes it.

import classification from "./classification";
import detection from "./detection";
import gradient_plot from "./gradient_plot";
import image_grid from "./image_grid";
import { type SavedWidget, showAll } from "./lib/report/file_host";
import { inflate, inflateText } from "./lib/report/gunzip";
import { followPage } from "./lib/report/page_frame";
import { unpackBytes } from "./lib/report/unpack_bytes";
import loss_plot from "./loss_plot";
import model_tree from "./model_tree";
import segmentation from "./segmentation";
import training_panel from "./training_panel";

const MODULES = {
  classification,
  detection,
  gradient_plot,
  image_grid,
  loss_plot,
  model_tree,
  segmentation,
  training_panel,
};
followPage();
const main = document.querySelector("main") as HTMLElement;
const opening = main.querySelector(":scope > p:last-child") as HTMLElement;
const widgets = unpackBytes(JSON.parse(await inflateText("state")), await inflate("bytes"));
opening.remove();
await showAll(widgets as SavedWidget[], MODULES, main);
document.body.dataset.shown = String((widgets as SavedWidget[]).length);
