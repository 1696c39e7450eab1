import type { Formats } from "../../common/format";
import type { PageEngine } from "../../protocol/page";
import type { RoomMessage } from "../../protocol/room";
import { sentAttachments } from "../shared/attachments";
import { inlineCode } from "../shared/inlineCode";
import { plural } from "../shared/progress";
import { h, icon, type TreeNode } from "../shared/tree";
import { type AnswerContext, answerView } from "./answer";
import { isRunning, summary } from "./derived";
import { type ModelGroup, modelGroups, modelState } from "./modelGroups";

/** Where a message stands among the others. */
export interface MessagePlace {
  readonly number: number;
  readonly engine: PageEngine;
  /** Ids of the agents that have not answered a later message of the room. */
  readonly newestOf: ReadonlySet<string>;
}

/** One message to the room with the answers to it. */
export function messageView(message: RoomMessage, place: MessagePlace, context: AnswerContext): TreeNode {
  const { formats, run } = context;
  const running = message.answers.some(isRunning);
  const to = addressees(message);
  const title = `Message ${formats.count(place.number)}, to ${to}`;
  return h(
    "article",
    // The tab stop among the messages is made by TurnStops.
    { key: message.id, tabindex: "-1", "aria-label": title, "aria-busy": running ? "true" : undefined },
    h("h2.sr", {}, title),
    h("p.ask", {}, h("span.at", {}, `@${to}`), " ", inlineCode(message.text)),
    sentAttachments(message.attachments, formats, (index) =>
      run({ type: "openAttachment", message: message.id, index }),
    ),
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
    modelGroups(message).map((group) => groupView(message, group, place, context)),
  );
}

/** "all", or names; a fork that was asked later is not among them. */
function addressees({ to, answers }: RoomMessage): string {
  if (to === "all") return "all";
  const asked = answers.filter(({ agent }) => to.includes(agent));
  return asked.map(({ name }) => name).join(", ");
}

function groupView(message: RoomMessage, group: ModelGroup, place: MessagePlace, context: AnswerContext): TreeNode {
  const { number, engine, newestOf } = place;
  return h(
    "div.group",
    { key: group.directory },
    group.name !== "" && modelHeading(group, engine, context.formats),
    h(
      "div.answers",
      {},
      group.answers.map((answer) =>
        answerView(message.id, answer, { number, isNewest: newestOf.has(answer.agent) }, context),
      ),
    ),
  );
}

function modelHeading(group: ModelGroup, engine: PageEngine, formats: Formats): TreeNode {
  const state = modelState(group, engine);
  return h(
    "h3.model",
    { key: "model" },
    icon("package"),
    h("span.cut", {}, group.name),
    h("span.dim.num", {}, [state, plural(group.answers.length, "answer", formats)].filter(Boolean).join(", ")),
  );
}
