import { type Formats, plural } from "../../common/format";
import type { PageEngine } from "../../protocol/page";
import type { NextModel } from "../../protocol/service";
import { type EngineNoticeContext, engineNotice } from "../shared/engineNotice";
import { type Children, h, type TreeNode } from "../shared/tree";

/** What is loaded and which model is loaded next, or why nothing is loaded. */
export function engineView(
  engine: PageEngine,
  nextModel: NextModel | undefined,
  context: EngineNoticeContext,
): TreeNode {
  return h("section.engine.wide", { key: "engine", "aria-label": "Engine" }, content(engine, nextModel, context));
}

function content(engine: PageEngine, nextModel: NextModel | undefined, context: EngineNoticeContext): Children {
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
          nextModel && nextModelRow(nextModel, formats),
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

/** "then Qwen3-1.7B · after 2 turns, 1.74 GB to load" */
function nextModelRow({ name, turnsAhead, weightBytes }: NextModel, formats: Formats): TreeNode {
  const when = turnsAhead > 0 ? `after ${plural(turnsAhead, "turn", formats)}` : "now";
  const facts = weightBytes === undefined ? when : `${when}, ${formats.bytes(weightBytes)} to load`;
  return h(
    "div.row.small",
    { key: "next" },
    h("span.dim", {}, "then"),
    h("span.model.cut", {}, name),
    h("span.dim.num", {}, facts),
  );
}

function lamp(state: "on" | "off", word: string, detail: string): TreeNode {
  return h("div.row", {}, h(`span.lamp.${state}`), h("span", {}, word), h("span.dim.cut", { title: detail }, detail));
}
