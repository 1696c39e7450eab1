import { type Formats, plural } from "../../common/format";
import { modelLabel } from "../../common/modelLabel";
import { shownName } from "../../common/shownName";
import type { ChatCommand, ChatSnapshot, StartId } from "../../protocol/chat";
import { h, icon, type TreeNode } from "../shared/tree";

interface Start {
  readonly icon: string;
  readonly title: string;
  /** At the right of the title. */
  readonly about?: (snapshot: ChatSnapshot) => string;
  readonly detail: (snapshot: ChatSnapshot, formats: Formats) => string;
}

const starts: Readonly<Record<StartId, Start>> = {
  startFromSelection: {
    icon: "list-selection",
    title: "Start from the Selection",
    about: ({ selection }) => selection?.label ?? "",
    detail: ({ selection }, formats) => `Attaches ${plural(selection?.lines ?? 0, "line", formats)}.`,
  },
  forkAnother: {
    icon: "repo-forked",
    title: "Fork an Agent…",
    detail: () =>
      "Starts with everything that agent has read. Shares its blocks, so it costs no memory and no reading.",
  },
  editInstructions: {
    icon: "edit",
    title: "Edit Instructions…",
    detail: ({ system }) =>
      system === "" ? "The system prompt. Empty now." : `The system prompt: ${beginning(system)}`,
  },
  chooseModel: {
    icon: "server-process",
    title: "Choose Model…",
    detail: ({ agent }) => `The model of new agents. This one keeps ${modelLabel(agent)}.`,
  },
};

/** The page of an agent that has read nothing. */
export function emptyView(snapshot: ChatSnapshot, formats: Formats, run: (command: ChatCommand) => void): TreeNode {
  const ids: readonly StartId[] = [
    ...(snapshot.selection ? (["startFromSelection"] as const) : []),
    ...snapshot.starts,
  ];
  return h(
    "section.empty",
    {},
    h(
      "div.col",
      {},
      h(
        "div",
        {},
        h("h2", {}, `${shownName(snapshot.agent.name)} has read nothing yet`),
        h(
          "p.dim",
          {},
          "What an agent reads, it reads once. It keeps the result on disk and answers at once after a restart.",
        ),
      ),
      h(
        "ul.starts",
        {},
        ids.map((id) => {
          const start = starts[id];
          return h(
            "li",
            { key: id },
            h(
              "button",
              { on: { click: () => run({ type: "act", action: id }) } },
              icon(start.icon),
              h(
                "span.row",
                {},
                h("span.grow", {}, start.title),
                start.about && h("span.dim.cut", {}, start.about(snapshot)),
              ),
              h("small", {}, start.detail(snapshot, formats)),
            ),
          );
        }),
      ),
    ),
  );
}

/** Instructions may be long; the button that opens them shows their start. */
function beginning(text: string): string {
  const flat = text.replace(/\s+/g, " ").trim();
  return flat.length > 160 ? `${flat.slice(0, 159)}…` : flat;
}
