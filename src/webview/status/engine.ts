import type { PageEngine } from "../../protocol/page";
import { type EngineNoticeContext, engineNotice } from "../shared/engineNotice";
import { type Children, h, type TreeNode } from "../shared/tree";

/** What is loaded, or why nothing is. */
export function engineView(engine: PageEngine, context: EngineNoticeContext): TreeNode {
  return h("section.engine.wide", { key: "engine", "aria-label": "Engine" }, content(engine, context));
}

function content(engine: PageEngine, context: EngineNoticeContext): Children {
  const { state, actions } = engine;
  // In the other states the notice has the buttons.
  const buttons = h(
    "div.acts",
    { key: "acts" },
    actions.map(({ id, label }) =>
      h("button.btn.second.small", { key: id, on: { click: () => context.run(id) } }, label),
    ),
  );
  switch (state.type) {
    case "ready": {
      const { model, device, mlxVersion } = state;
      const { formats } = context;
      const facts = `${formats.bytes(model.weightBytes)}, window ${formats.count(model.contextTokens)}`;
      return [
        h(
          "div",
          { key: "ready" },
          lamp("on", "Ready", `${device}, MLX ${mlxVersion}`),
          h("div.row.small", {}, h("span.model.cut", {}, model.name), h("span.dim.num", {}, facts)),
        ),
        buttons,
      ];
    }
    case "idle":
      return [h("div", { key: "idle" }, lamp("off", "Idle", "a model is loaded when it is first needed")), buttons];
    default:
      return engineNotice(engine, context);
  }
}

function lamp(state: "on" | "off", word: string, detail: string): TreeNode {
  return h("div.row", {}, h(`span.lamp.${state}`), h("span", {}, word), h("span.dim.cut", { title: detail }, detail));
}
