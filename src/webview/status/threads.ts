import type { Formats } from "../../common/format";
import { shownName } from "../../common/shownName";
import type { Departure, ThreadsStatus, ThreadTurn } from "../../protocol/service";
import type { StatusCommand } from "../../protocol/status";
import { markHidden } from "../shared/hiddenCharacters";
import { plural } from "../shared/progress";
import { type Children, h, icon, type TreeNode } from "../shared/tree";
import { pane } from "./pane";

export interface ThreadsContext {
  readonly formats: Formats;
  readonly now: number;
  readonly run: (command: StatusCommand) => void;
}

/** So many requests are shown: who looks for a reason looks at the last ones. */
const mostShown = 8;

/** The last requests of VS Code's chat: what of each was reused, and where it departs from what was read before. */
export function threadsView({ count, bytes, recent }: ThreadsStatus, context: ThreadsContext): TreeNode {
  const { formats } = context;
  const shown = recent.slice(0, mostShown);
  const newest = shown.find(({ figures }) => figures.departure !== undefined);
  return pane(
    {
      title: "VS Code's chat",
      wide: true,
      ...(count === 0 ? {} : { hint: `${plural(count, "thread", formats)}, ${formats.bytes(bytes)}` }),
    },
    h(
      "table.num.requests",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, "Request"),
          h("th", { scope: "col", title: "Tokens reused of tokens asked" }, "Reused"),
          h("th", { scope: "col", title: "Time to the first token" }, "TTFT"),
        ),
      ),
      h(
        "tbody",
        {},
        shown.map((turn) => requestRows(turn, turn === newest, context)),
      ),
    ),
  );
}

function requestRows(turn: ThreadTurn, isOpen: boolean, context: ThreadsContext): Children {
  const { at, figures, isShort, modelName } = turn;
  const { formats, now } = context;
  const { departure, promptTokens, reusedTokens, ttftMs } = figures;
  const key = String(at);
  return [
    h(
      "tr",
      { key },
      h(
        "td",
        { title: `${isShort ? "Utility request, " : ""}${modelName}` },
        formats.ago(now - at),
        h("span.dim.more", {}, `, ${shownName(modelName)}${isShort ? ", utility request" : ""}`),
      ),
      h(
        "td",
        { class: reusedTokens === 0 ? "none" : undefined },
        `${formats.count(reusedTokens)} of ${formats.count(promptTokens)}`,
      ),
      h("td", {}, formats.duration(ttftMs)),
    ),
    departure && whyRow(key, turn, departure, isOpen, context),
  ];
}

function whyRow(
  key: string,
  turn: ThreadTurn,
  departure: Departure,
  isOpen: boolean,
  { formats, run }: ThreadsContext,
): TreeNode {
  // A character that cannot be seen may be all that differs.
  const text = (name: string, said: string) => [
    h("dt", {}, name),
    h("dd", { dir: "auto" }, said === "" ? "–" : markHidden([said])),
  ];
  const copy = () => run({ type: "copy", text: departureText(turn, departure, formats) });
  return h(
    "tr.why",
    { key: `${key} why` },
    h(
      "td",
      { colspan: 3 },
      h(
        "details",
        { open: isOpen },
        h("summary", {}, icon("chevron-right"), `Read again from token ${formats.count(departure.atToken)}`),
        h(
          "div.differs",
          {},
          h("dl.small", {}, text("Before", departure.before), text("Now", departure.now)),
          h(
            "button.icon-btn",
            { "aria-label": "Copy why it was read again", title: "Copy", on: { click: copy } },
            icon("copy"),
          ),
        ),
      ),
    ),
  );
}

/** What the button copies: enough to tell the author of these prompts what changes in them. */
function departureText({ figures, modelName }: ThreadTurn, { atToken, before, now }: Departure, formats: Formats) {
  const { promptTokens, reusedTokens, ttftMs } = figures;
  return [
    `${modelName}: ${formats.count(reusedTokens)} of ${formats.count(promptTokens)} tokens reused, TTFT ${formats.duration(ttftMs)}`,
    `Read again from token ${formats.count(atToken)}`,
    `before: ${before}`,
    `now:    ${now}`,
  ].join("\n");
}
