// GradientPlot: src/torchdial/widgets/live/gradient_plot.py defines the widget.

import { liveWidget } from "./lib/live/live_widget";
import { GradientView } from "./lib/training/gradient_view";

export default liveWidget((store, config, changed) => {
  const view = new GradientView(store, config.one_step ? "flow" : "layers", changed);
  return { element: view.element, draw: (root) => view.draw(root), dispose: () => view.dispose() };
});
