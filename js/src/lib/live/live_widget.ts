// The frame around every live plot: one store a widget, a view for each place it is shown in.

import type { AnyModel } from "@anywidget/types";
import { h } from "../core/dom";
import { type Guard, mount } from "../core/error_display";
import { announceStep } from "../core/step_link";
import { watchTheme } from "../core/theme_switch";
import { listen } from "../core/widget_model";
import { type LiveModel, Store } from "./run_store";
import { whenVisible } from "./when_visible";

/** The trait `_config`. */
export interface LiveConfig {
  /** Whether every name is drawn, also those that a monitor keeps for other views. */
  all_names?: boolean;
  /** Whether there is one step only. */
  one_step?: boolean;
  /** Id of the run's history, of a panel. */
  run?: string;
}

export interface View {
  element: HTMLElement;
  draw(root: HTMLElement): void;
  dispose(): void;
}

type Model = AnyModel<{
  _opening: ReturnType<LiveModel["get"]>;
  _config: LiveConfig;
  selected?: string | null;
  step?: number | null;
}>;

type MakeView = (
  store: Store,
  config: LiveConfig,
  changed: () => void,
  choose: (step: number) => void,
) => View;

/** What a widget's module exports: anywidget calls it once for each widget. */
export function liveWidget(make: MakeView) {
  return () => {
    let store: Store | null = null;
    return {
      initialize({ model }: { model: Model }) {
        const made = new Store(model);
        store = made;
        const stopFollowing = followSelected(made, model);
        return () => {
          stopFollowing();
          made.dispose();
        };
      },
      render({ model, el }: { model: Model; el: HTMLElement }) {
        const own = store ?? new Store(model);
        store = own;
        return mount(el, (root, guard) => show(own, model, root, guard, make));
      },
    };
  };
}

/** Have the store's layer and the kernel's trait go together, where there is one. */
function followSelected(store: Store, model: Model): () => void {
  const follow = () => store.choose(model.get("selected") ?? null);
  const stopHearing = listen(model, ["selected"], follow);
  const stopTelling = store.listen(() => {
    if (store.layer === (model.get("selected") ?? null)) return;
    model.set("selected", store.layer);
    model.save_changes();
  });
  follow();
  return () => {
    stopHearing();
    stopTelling();
  };
}

function show(
  store: Store,
  model: Model,
  root: HTMLElement,
  guard: Guard,
  make: MakeView,
): () => void {
  const notice = h("div", { class: "notice", role: "alert", hidden: true });
  root.classList.add("torchdial-live");
  const draw = () => {
    notice.textContent = noticeOf(store);
    notice.hidden = notice.textContent === "";
    view.draw(root);
    root.dataset.seq = String(store.seq);
    root.dataset.paints = String(Number(root.dataset.paints ?? 0) + 1);
  };
  const drawing = whenVisible(root, guard(draw));
  const config = model.get("_config");
  const choose = (step: number) => {
    model.set("step", step);
    model.save_changes();
    if (config.run) announceStep(config.run, step);
  };
  const view = make(store, config, () => drawing.call(), choose);
  root.append(view.element, notice);
  // Hosts have shortcuts of their own; a key here is meant for here.
  root.addEventListener("keydown", (e) => {
    if (!(e.ctrlKey || e.metaKey || e.altKey)) e.stopPropagation();
  });
  const sizes = new ResizeObserver(() => drawing.call());
  sizes.observe(root);
  const stopWatchingTheme = watchTheme(root, () => drawing.call());
  const stopListening = store.listen(() => drawing.call());
  drawing.call();
  store.askForKeyframe(); // what is shown may be from before the page was loaded
  return () => {
    stopListening();
    sizes.disconnect();
    stopWatchingTheme();
    drawing.cancel();
    view.dispose();
  };
}

function noticeOf(store: Store): string {
  const parts = [store.kernel.message, store.problem, store.damage, store.status?.problem];
  if (store.behind) parts.push("Some points are not here yet: they come when the kernel is free.");
  return parts.filter(Boolean).join("\n");
}
