// LossPlot: src/torchdial/widgets/live/loss_plot.py defines the widget.

import { liveWidget } from "./lib/live/live_widget";
import { LossView } from "./lib/training/loss_view";

export default liveWidget((store, config, changed) => {
  const view = new LossView(store, { all: config.all_names ?? false }, changed);
  return { element: view.element, draw: (root) => view.draw(root), dispose: () => view.dispose() };
});
