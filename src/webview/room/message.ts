import type { RoomMessage } from "../../protocol/room";
import { inlineCode } from "../shared/inlineCode";
import { h, icon, type TreeNode } from "../shared/tree";
import { type AnswerContext, answerView } from "./answer";
import { isRunning, summary } from "./derived";

/** One message to the room with the answers to it. */
export function messageView(message: RoomMessage, number: number, context: AnswerContext): TreeNode {
  const { formats, run } = context;
  const running = message.answers.some(isRunning);
  const to = message.to === "all" ? "all" : message.answers.map(({ name }) => name).join(", ");
  return h(
    "article",
    {
      key: message.id,
      "aria-label": `Message ${number}, to ${to}`,
      "aria-busy": running ? "true" : undefined,
    },
    h("p.ask", {}, h("span.at", {}, `@${to}`), " ", inlineCode(message.text)),
    h(
      "div.sum",
      {},
      h("span.grow.num", {}, summary(message, formats)),
      running &&
        h(
          "button.quiet.small",
          { key: "stop", title: "Stop All (Esc)", on: { click: () => run({ type: "stopAll" }) } },
          icon("debug-stop"),
          "Stop All",
        ),
    ),
    h(
      "div.answers",
      {},
      message.answers.map((answer) => answerView(message.id, answer, context)),
    ),
  );
}
