// The surroundings of VS Code's widget renderer: requirejs, a kernel, and outputs in a page. VS Code
// relays messages through its extension; here they go to the server. As there, subshells are off.
import { CommsOverSubshells, KernelManager, ServerConnection } from "@jupyterlab/services";

const MIME = "application/vnd.jupyter.widget-view+json";
const scriptLoader = {
  widgetsRegisteredInRequireJs: new Set(),
  loadWidgetScript: () => Promise.resolve(),
  successHandler() {},
  errorHandler(className, moduleName, moduleVersion, error) {
    throw new Error(`${moduleName}:${className} ${moduleVersion}: ${error}`);
  },
};

async function showIn(place, manager, data) {
  const model = await manager.get_model(data[MIME].model_id);
  const view = await manager.create_view(model);
  await manager.display_view(undefined, view, { node: place });
}

/** Run cells one after the other, each with an output below the last. */
window.runCells = async (cells) => {
  window.activate();
  window.vscIPyWidgets8.load();
  const serverSettings = ServerConnection.makeSettings({ baseUrl: `${location.origin}/` });
  const kernels = new KernelManager({ serverSettings });
  await kernels.ready;
  const kernel = await kernels.startNew({ name: "python3" });
  kernel.commsOverSubshells = CommsOverSubshells.Disabled;
  await kernel.info;
  const outputs = document.querySelector("main");
  const { WidgetManager } = window.vscIPyWidgets;
  const manager = new WidgetManager(kernel, outputs, scriptLoader, () => {}, undefined);
  for (const code of cells) {
    const future = kernel.requestExecute({ code });
    future.onIOPub = ({ header, content }) => {
      if (header.msg_type === "error") throw new Error(content.traceback.join("\n"));
      if (!content.data?.[MIME] || header.msg_type === "update_display_data") return;
      const place = outputs.appendChild(document.createElement("section"));
      void showIn(place, manager, content.data);
    };
    await future.done;
  }
};
