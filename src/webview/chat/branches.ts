import type { Formats } from "../../common/format";
import { type BranchRow, branchRows, branchTree, fewestEndsOfTree } from "../../protocol/branches";
import type { ChatCommand, ChatSnapshot } from "../../protocol/chat";
import { h, icon, type TreeNode } from "../shared/tree";

type Run = (command: ChatCommand) => void;

/** Keeps the tree of the last branches: while an answer streams, the same ones are rendered with every update. */
export class BranchesView {
  private made: TreeNode | undefined;
  private from: { readonly branches: unknown; readonly fixed: boolean; readonly formats: Formats } | undefined;

  constructor(private readonly run: Run) {}

  show({ branches }: Pick<ChatSnapshot, "branches">, fixed: boolean, formats: Formats): TreeNode | undefined {
    const { from } = this;
    if (from?.branches === branches && from.fixed === fixed && from.formats === formats) return this.made;
    this.from = { branches, fixed, formats };
    this.made = branchesView({ branches }, fixed, formats, this.run);
    return this.made;
  }
}

/** All branches, where rewind, regenerate or an edited message left some: each can be made the head again. */
export function branchesView(
  { branches }: Pick<ChatSnapshot, "branches">,
  fixed: boolean,
  formats: Formats,
  run: Run,
  now = Date.now(),
): TreeNode | undefined {
  const rows = branchRows(branches, formats, now);
  const others = rows.filter(({ isHead }) => !isHead).length;
  if (others === 0) return undefined;
  const noun = others === 1 ? "other branch" : "other branches";
  return h(
    "details.branches",
    { key: "branches", on: { toggle: showOpened } },
    h("summary.quiet.small", {}, icon("chevron-down"), `${formats.count(others)} ${noun}`),
    rows.length < fewestEndsOfTree ? listView(rows, fixed, run) : treeView(branches, fixed, formats, run, now),
  );
}

/** Scrolls the opened branches into view: they open below the end of the transcript. */
function showOpened({ currentTarget }: Event): void {
  if (currentTarget instanceof HTMLElement && currentTarget.hasAttribute("open")) {
    currentTarget.scrollIntoView({ block: "nearest" });
    currentTarget.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }
}

function listView(rows: readonly BranchRow[], fixed: boolean, run: Run): TreeNode {
  return h(
    "ul.rows",
    { key: "list", "aria-label": "Branches" },
    rows.map((row) =>
      h(
        "li",
        { key: row.turn },
        h(
          "button.branch",
          {
            disabled: fixed || row.isHead,
            "aria-current": row.isHead ? "true" : undefined,
            title: rowTitle(row),
            on: { click: () => run({ type: "switchBranch", turn: row.turn }) },
          },
          rowParts(row),
        ),
      ),
    ),
  );
}

/** One tab stop, at the head; arrows move, Enter and Space switch. What is not current is indented by its fork points. */
function treeView(
  branches: ChatSnapshot["branches"],
  fixed: boolean,
  formats: Formats,
  run: Run,
  now: number,
): TreeNode {
  const { rows, more } = branchTree(branches, formats, now);
  const stop = (rows.find(({ isHead }) => isHead) ?? rows[0])?.turn;
  const choose = (row: BranchRow) => {
    if (!fixed && !row.isHead) run({ type: "switchBranch", turn: row.turn });
  };
  return h(
    "div.rows",
    { key: "tree" },
    h(
      "div.tree",
      { role: "tree", "aria-label": "Branches", on: { keydown: moveInTree } },
      rows.map((row) =>
        h(
          "div.branch",
          {
            key: row.turn,
            role: "treeitem",
            tabindex: row.turn === stop ? 0 : -1,
            "aria-level": row.depth + 1,
            "aria-current": row.isHead ? "true" : undefined,
            "aria-disabled": fixed ? "true" : undefined,
            class: row.isCurrent ? "on-path" : undefined,
            title: rowTitle(row),
            style: { "--depth": String(Math.min(row.depth, 8)) },
            on: { click: () => choose(row), keydown: (event) => onChoosingKey(event, () => choose(row)) },
          },
          rowParts(row),
        ),
      ),
    ),
    more > 0 && h("p.dim.small", {}, `${formats.count(more)} more: Rewind… lists all of them.`),
  );
}

function rowParts(row: BranchRow): readonly TreeNode[] {
  return [
    icon(row.isHead ? "check" : row.isCurrent ? "circle-small-filled" : "git-branch"),
    h(
      "span.cut.what",
      {},
      row.message !== undefined && h("span.dim", {}, `${row.message} → `),
      row.title === "" ? "No answer" : row.title,
    ),
    h("span.dim.num.small", {}, row.isHead ? `current · ${row.facts}` : row.facts),
  ];
}

function rowTitle({ isHead, exactTime }: BranchRow): string {
  return isHead ? `The current branch, last asked ${exactTime}` : `Switch to This Branch, last asked ${exactTime}`;
}

function onChoosingKey(event: Event, choose: () => void): void {
  if (!("key" in event) || (event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  choose();
}

const steps: Readonly<Record<string, (items: readonly HTMLElement[], at: number) => number>> = {
  ArrowDown: (items, at) => Math.min(at + 1, items.length - 1),
  ArrowUp: (_, at) => Math.max(at - 1, 0),
  ArrowLeft: (items, at) => parentOf(items, at),
  ArrowRight: (items, at) => (levelOf(items[at + 1]) > levelOf(items[at]) ? at + 1 : at),
  Home: () => 0,
  End: (items) => items.length - 1,
};

/** The nearest row above that is less deep; itself where there is none. */
function parentOf(items: readonly HTMLElement[], at: number): number {
  for (let above = at - 1; above >= 0; above--) if (levelOf(items[above]) < levelOf(items[at])) return above;
  return at;
}

function levelOf(item: HTMLElement | undefined): number {
  return Number(item?.getAttribute("aria-level") ?? 0);
}

function moveInTree(event: Event): void {
  const tree = event.currentTarget;
  const step = "key" in event ? steps[String(event.key)] : undefined;
  if (!step || !(tree instanceof HTMLElement) || !(event.target instanceof HTMLElement)) return;
  const items = [...tree.querySelectorAll<HTMLElement>("[role=treeitem]")];
  const at = items.indexOf(event.target);
  if (at < 0) return;
  event.preventDefault();
  items[step(items, at)]?.focus();
}
