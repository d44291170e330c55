// GradientPlot: src/torchdial/widgets/live/gradient_plot.py is the other half.

import { GradientView } from "./lib/plots/gradient_view";
import { liveWidget } from "./lib/plots/live";

export default liveWidget((store, config, changed) => {
  const view = new GradientView(store, config.one_step ? "flow" : "layers", changed);
  return { element: view.element, draw: (root) => view.draw(root), dispose: () => view.dispose() };
});
