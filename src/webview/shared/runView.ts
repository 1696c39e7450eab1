import type { Formats } from "../../common/format";
import type { RunProgress } from "../../protocol/page";
import { progressBar } from "./bars";
import { progressLine } from "./progress";
import { h, icon, type TreeNode } from "./tree";

/** The box of an answer that has no text yet. It shows itself after 300 ms (chat.css): short waits do not flicker. */
export function waitingBox(progress: RunProgress | undefined, formats: Formats, stop: () => void): TreeNode {
  const line = progressLine(progress, formats);
  const waiting = progress?.type === "queued" || progress?.type === "waitingModel";
  return h(
    "div.prefill.num",
    { key: "progress" },
    h("div.row", {}, h("strong.grow", {}, line.title), h("span.dim", {}, line.remaining ?? "")),
    line.bar && progressBar("Reading", line.bar),
    h(
      "div.row",
      {},
      h(
        "span.grow.dim",
        {},
        line.figure !== undefined && h("span.strong", {}, line.figure),
        line.figure !== undefined && " ",
        line.details.join(" · "),
      ),
      stopButton(waiting ? "Cancel" : "Stop", "What has been read is kept", stop),
    ),
  );
}

/** `byKey`: Escape does the same. */
export function stopButton(label: string, title: string, stop: () => void, byKey = true): TreeNode {
  return h(
    "button.btn.second.small.end",
    { key: "stop", title, on: { click: stop } },
    icon("debug-stop"),
    label,
    byKey && h("span.kbd", {}, "Esc"),
  );
}
