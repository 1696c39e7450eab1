import type { ChatCommand, ChatSnapshot, StartId } from "../../protocol/chat";
import { h, icon, type TreeNode } from "../shared/tree";

interface Start {
  readonly icon: string;
  readonly title: string;
  readonly detail: (snapshot: ChatSnapshot) => string;
}

const starts: Readonly<Record<StartId, Start>> = {
  startFromSelection: {
    icon: "list-selection",
    title: "Start from the Selection",
    detail: () => "Puts what is selected in the editor into the message.",
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
    detail: ({ system }) => (system === "" ? "The system prompt. Empty now." : `The system prompt: ${system}`),
  },
  chooseModel: {
    icon: "server-process",
    title: "Choose Model…",
    detail: ({ agent }) => `The model of new agents. This one has ${agent.modelName}.`,
  },
};

/** The page of an agent that has read nothing. */
export function emptyView(snapshot: ChatSnapshot, run: (command: ChatCommand) => void): TreeNode {
  return h(
    "section.empty",
    {},
    h(
      "div.col",
      {},
      h(
        "div",
        {},
        h("h2", {}, `${snapshot.agent.name} has read nothing yet`),
        h(
          "p.dim",
          {},
          "What an agent reads, it reads once. It keeps the result on disk and answers at once after a restart.",
        ),
      ),
      h(
        "ul.starts",
        {},
        snapshot.starts.map((id) => {
          const start = starts[id];
          return h(
            "li",
            { key: id },
            h(
              "button",
              { on: { click: () => run({ type: "act", action: id }) } },
              icon(start.icon),
              h("span", {}, start.title),
              h("small", {}, start.detail(snapshot)),
            ),
          );
        }),
      ),
    ),
  );
}
