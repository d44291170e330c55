// TrainingPanel: src/torchdial/widgets/live/training_panel.py defines the widget.

import { h } from "./lib/core/dom";
import { liveWidget } from "./lib/live/live_widget";
import { EventList } from "./lib/training/event_list";
import { GradientView } from "./lib/training/gradient_view";
import { LossView } from "./lib/training/loss_view";
import { createProgress } from "./lib/training/run_controls";

export default liveWidget((store, _config, changed, choose) => {
  const progress = createProgress(store);
  const loss: LossView = new LossView(
    store,
    {
      all: false,
      hover: (step) => gradients.point(step),
      choose: (step) => {
        gradients.show(step);
        choose(step);
      },
    },
    changed,
  );
  const gradients = new GradientView(store, "layers", changed, {
    zoom: (steps) => loss.showSteps(steps),
    hover: (step) => loss.point(step),
  });
  const events = new EventList(store.chosen, (step) => {
    loss.show(step);
    gradients.show(step);
    choose(step);
  });
  const notes = h("div", { class: "notes" });
  const plots = h("div", { class: "plots" }, loss.element, gradients.element);
  const element = h("div", {}, progress.element, events.element, plots, notes);
  return {
    element,
    draw(root) {
      progress.draw();
      gradients.element.hidden = store.layers.size === 0;
      loss.draw(root);
      const isBoth = store.layers.size > 0 && !loss.isDense;
      if (plots.classList.contains("torchdial-both") !== isBoth) {
        plots.classList.toggle("torchdial-both", isBoth);
        loss.draw(root); // in another width
      }
      if (store.layers.size > 0) gradients.draw(root);
      events.draw(store.events);
      const words = store.status?.notes ?? [];
      if (notes.children.length !== words.length || notes.textContent !== words.join("")) {
        notes.replaceChildren(...words.map((text) => h("div", {}, text)));
      }
    },
    dispose() {
      progress.dispose();
      loss.dispose();
      gradients.dispose();
    },
  };
});
