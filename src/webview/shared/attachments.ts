/** Files and other parts of the workspace that a message carries, as chips: of the draft, and of messages that were sent. */
import type { AttachmentKind } from "../../common/attachments";
import { type Formats, plural } from "../../common/format";
import type { AttachmentChip } from "../../protocol/page";
import { markFewHidden } from "./hiddenCharacters";
import { h, icon, type TreeNode } from "./tree";

/** What a draft's chips ask for, by their index. */
export type DraftChipCommand =
  | { readonly type: "openAttachment"; readonly index: number }
  | { readonly type: "detach"; readonly index: number };

type Run = (command: DraftChipCommand) => void;

const icons: Readonly<Record<AttachmentKind, string>> = {
  selection: "list-selection",
  file: "file",
  folder: "folder",
  problems: "warning",
  terminal: "terminal",
  change: "diff",
};

const names: Readonly<Record<AttachmentKind, string>> = {
  selection: "Selection",
  file: "File",
  folder: "Folder",
  problems: "Problems",
  terminal: "Terminal",
  change: "Changes",
};

/** "recover.ts:88–141": the last part of the path, which is what a reader knows it by. */
export function attachmentName({ path, range, kind }: AttachmentChip): string {
  const name = kind === "terminal" ? path : (path.split("/").filter(Boolean).at(-1) ?? path);
  if (range === undefined) return name;
  return range.from === range.to ? `${name}:${range.from}` : `${name}:${range.from}–${range.to}`;
}

/** "Selection src/recover.ts, lines 88 to 141, 861 tokens" */
function titleOf(chip: AttachmentChip, formats: Formats): string {
  const { kind, path, range, tokens, problem } = chip;
  const lines = range && (range.from === range.to ? `line ${range.from}` : `lines ${range.from} to ${range.to}`);
  const size = tokens === undefined ? undefined : plural(tokens, "token", formats);
  return [`${names[kind]} ${path}`, lines, size, problem].filter((part) => part !== undefined).join(", ");
}

/** Whether the message may be sent without a text. */
export function isCarrying(chips: readonly AttachmentChip[] = []): boolean {
  return chips.some(({ length }) => length > 0);
}

/** Above the message that is being written. Delete and Backspace remove the chip that has the focus. */
export function draftAttachments(chips: readonly AttachmentChip[], formats: Formats, run: Run): TreeNode | undefined {
  if (chips.length === 0) return undefined;
  const problems = chips.filter(({ problem }) => problem !== undefined);
  return h(
    "div.attached.num",
    { key: "attached" },
    h(
      "ul.chips",
      { "aria-label": "Attached to the message", on: { keydown: (event) => removedByKey(event, run) } },
      chips.map((chip, index) =>
        h(
          "li.file",
          { key: `${index} ${chip.kind} ${chip.path}`, class: chip.problem === undefined ? undefined : "warned" },
          openButton(chip, () => run({ type: "openAttachment", index }), formats),
          h(
            "button.icon-btn",
            {
              "aria-label": `Remove ${attachmentName(chip)}`,
              title: "Remove (Delete)",
              "data-index": index,
              on: { click: () => run({ type: "detach", index }) },
            },
            icon("close"),
          ),
        ),
      ),
    ),
    problems.map((chip, index) =>
      h(
        "p.small.chip-problem",
        { key: `problem ${index}`, role: "status" },
        h("b.cut", {}, markFewHidden(attachmentName(chip))),
        ": ",
        markFewHidden(chip.problem ?? ""),
      ),
    ),
  );
}

/** The focus stays in the list: it goes to the chip that takes the place of the one that is removed. */
function removedByKey(event: Event, run: Run): void {
  if (!(event instanceof KeyboardEvent) || !(event.target instanceof Element)) return;
  if (event.key !== "Delete" && event.key !== "Backspace") return;
  const item = event.target.closest("li");
  const items = [...(item?.parentElement?.children ?? [])];
  const index = item === null ? -1 : items.indexOf(item);
  if (index < 0) return;
  event.preventDefault();
  const next = (items[index + 1] ?? items[index - 1])?.querySelector("button");
  if (next instanceof HTMLElement) next.focus();
  run({ type: "detach", index });
}

/** Under a message that was sent. */
export function sentAttachments(
  chips: readonly AttachmentChip[] | undefined,
  formats: Formats,
  open: (index: number) => void,
): TreeNode | undefined {
  if (chips === undefined || chips.length === 0) return undefined;
  return h(
    "ul.chips.sent.num",
    { key: "attachments", "aria-label": "Attachments" },
    chips.map((chip, index) =>
      h(
        "li.file",
        { key: String(index) },
        openButton(chip, () => open(index), formats),
      ),
    ),
  );
}

function openButton(chip: AttachmentChip, open: () => void, formats: Formats): TreeNode {
  const { kind, tokens, problem } = chip;
  return h(
    "button.quiet",
    { title: titleOf(chip, formats), on: { click: open } },
    problem === undefined ? icon(icons[kind]) : icon("warning", "warn"),
    h("span.sr", {}, `Open ${names[kind].toLowerCase()} `),
    h("span.cut", {}, markFewHidden(attachmentName(chip))),
    tokens !== undefined &&
      h("span.dim", {}, h("span.sr", {}, ", "), formats.count(tokens), h("span.sr", {}, " tokens")),
  );
}
