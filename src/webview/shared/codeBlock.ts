import { type HiddenCharacter, hiddenCharacters } from "../../common/hiddenCharacters";
import type { ContentCommand } from "../../protocol/page";
import { markHidden, withoutHidden } from "./hiddenCharacters";
import { highlight } from "./highlight";
import { h, icon, type TreeNode } from "./tree";

/** The fence's info string: "ts", "ts recover.ts", "python title=x.py". */
function describe(info: string): { readonly language: string; readonly title: string } {
  const [first = "", ...rest] = info.trim().split(/\s+/);
  const file = rest
    .find((word) => /\.\w+$/.test(word))
    ?.replace(/^\w+=/, "")
    .replaceAll(/["']/g, "");
  const language = /^[\w+#.-]{1,40}$/.test(first) ? first.toLowerCase() : "";
  return { language, title: withoutHidden(file ?? language) || "text" };
}

/** `number` counts the code blocks of one answer: it makes their labels unique. */
export function codeBlock(
  content: string,
  info: string,
  number: number,
  run: (command: ContentCommand) => void,
): TreeNode {
  const { language, title } = describe(info);
  const code = content.replace(/\n$/, "");
  const hidden = hiddenCharacters(code);
  return h(
    "div.codeblock",
    {},
    h("header", {}, h("span.grow.cut", {}, title), codeTools(code, language, hidden.length, run)),
    hidden.length > 0 && hiddenWarning(hidden, () => run({ type: "copy", text: withoutHidden(code) })),
    h(
      "pre",
      { tabindex: "0", role: "group", "aria-label": `Code ${number}, ${title}` },
      markHidden(highlight(code, language)),
    ),
  );
}

/** The tools take the code as written: a string may need its hidden characters. Their labels tell of those. */
function codeTools(
  code: string,
  language: string,
  hiddenCount: number,
  run: (command: ContentCommand) => void,
): TreeNode {
  const warning = hiddenCount > 0 ? `, with ${countHidden(hiddenCount)}` : "";
  const button = (label: string, title: string, name: string, command: ContentCommand) =>
    h(
      "button.icon-btn",
      { "aria-label": `${label}${warning}`, title: `${title}${warning}`, on: { click: () => run(command) } },
      icon(name),
    );
  return h(
    "div.code-tools",
    { role: "toolbar", "aria-label": "Code actions" },
    button("Copy code", "Copy", "copy", { type: "copy", text: code }),
    button("Insert at cursor", "Insert at Cursor", "insert", { type: "insertAtCursor", code }),
    button("Open as new file", "New File", "new-file", { type: "newFile", code, ...(language ? { language } : {}) }),
  );
}

function hiddenWarning(hidden: readonly HiddenCharacter[], copyWithout: () => void): TreeNode {
  const codes = [...new Set(hidden.map(({ code }) => code))];
  const named = codes.length > 3 ? [...codes.slice(0, 3), "…"] : codes;
  return h(
    "div.hidden-warning.small",
    {},
    icon("warning", "warn"),
    h(
      "span.grow",
      {},
      `${countHidden(hidden.length)} (${named.join(", ")}): this code may do something other than what it shows.`,
    ),
    h("button.link", { on: { click: copyWithout } }, "Copy Without Them"),
  );
}

function countHidden(count: number): string {
  return count === 1 ? "1 hidden character" : `${count} hidden characters`;
}
