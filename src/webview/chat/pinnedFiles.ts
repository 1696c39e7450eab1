/** The files that the agent always has, above the message: a line that opens to each of them. */
import { type Formats, plural } from "../../common/format";
import type { ChatCommand } from "../../protocol/chat";
import type { PinnedFileChip, PinnedFileState } from "../../protocol/chatFiles";
import { progressBar } from "../shared/bars";
import { markFewHidden } from "../shared/hiddenCharacters";
import { type Children, h, icon, type TreeNode } from "../shared/tree";

type Run = (command: ChatCommand) => void;

export function pinnedFilesView(
  state: PinnedFileState | undefined,
  isFixed: boolean,
  formats: Formats,
  run: Run,
): TreeNode | undefined {
  if (state === undefined || state.files.length === 0) return undefined;
  const { files, tokens, progress } = state;
  const isWarned = files.some((file) => file.state === "refused");
  return h(
    "details.pins.num",
    { key: "pins" },
    h(
      "summary.small",
      {},
      icon("chevron-down", "fold"),
      icon("pinned"),
      h("span", {}, plural(files.length, "pinned file", formats)),
      tokens !== undefined && h("span.dim", {}, plural(tokens, "token", formats)),
      h("span.dim.grow.cut", {}, lineOf(state, formats)),
      isWarned && h("span.codicon.codicon-warning.warn", { role: "img", "aria-label": "with problems" }),
    ),
    progress && progressBar("Reading pinned files", { kept: 0, ...progress, text: progressWords(state, formats) }),
    h(
      "ul",
      { "aria-label": "Pinned files" },
      files.map((file) => fileView(file, isFixed, formats, run)),
    ),
    h("p.dim.small", {}, explanation(state)),
    h(
      "div.row.buttons",
      {},
      h("button.btn.second.small", { disabled: isFixed, on: { click: () => run({ type: "pinFiles" }) } }, "Pin Files…"),
      h(
        "button.btn.second.small",
        {
          disabled: isFixed,
          title: "Reads the files as they are now, from the first one that has changed",
          on: { click: () => run({ type: "renewFiles" }) },
        },
        "Read Again",
      ),
    ),
  );
}

/** What is going on with them, in a few words. */
function lineOf(state: PinnedFileState, formats: Formats): string {
  const { files, progress, renewed } = state;
  if (progress !== undefined) return progressWords(state, formats);
  const changed = files.filter((file) => file.state === "changed").length;
  if (changed > 0) return `${plural(changed, "file", formats)} changed: the next message says how`;
  if (renewed === undefined || renewed.changed === 0) return "";
  const all = `${formats.count(renewed.changed)} of ${plural(renewed.of, "file", formats)} changed`;
  return `${all}: ${plural(renewed.tokensRead, "token", formats)} read`;
}

function progressWords({ progress }: PinnedFileState, formats: Formats): string {
  return progress === undefined
    ? ""
    : `${formats.count(progress.done)} of ${formats.count(progress.total)} tokens read`;
}

function explanation({ sharedWith = [] }: PinnedFileState): string {
  const kept = "They stand behind the agent's instructions and are read once.";
  return sharedWith.length === 0 ? kept : `${kept} What was read is shared with ${sharedWith.join(", ")}.`;
}

function fileView(file: PinnedFileChip, isFixed: boolean, formats: Formats, run: Run): TreeNode {
  const { path, tokens, state, problem } = file;
  const name = path.split("/").filter(Boolean).at(-1) ?? path;
  return h(
    "li",
    { key: path },
    stateIcon(file),
    h(
      "span.grow.cut",
      { title: path },
      markFewHidden(name),
      " ",
      h("span.dim", {}, markFewHidden(path.slice(0, Math.max(0, path.length - name.length)))),
    ),
    state === "changed" && h("span.dim", {}, "changed"),
    tokens !== undefined && h("span.dim", {}, plural(tokens, "token", formats)),
    h(
      "button.icon-btn",
      {
        "aria-label": `Unpin ${path}`,
        title: "Unpin",
        disabled: isFixed,
        on: { click: () => run({ type: "unpinFile", path }) },
      },
      icon("close"),
    ),
    problem !== undefined && h("span.problem.small", {}, markFewHidden(problem)),
  );
}

function stateIcon({ state }: PinnedFileChip): Children {
  switch (state) {
    case "read":
      return icon("file");
    case "reading":
      return icon("sync");
    case "changed":
      return icon("diff-modified");
    case "refused":
      return icon("warning", "warn");
  }
}
