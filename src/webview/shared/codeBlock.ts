import type { ContentCommand } from "../../protocol/page";
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
  return { language, title: file ?? (language || "text") };
}

export function codeBlock(content: string, info: string, run: (command: ContentCommand) => void): TreeNode {
  const { language, title } = describe(info);
  const code = content.replace(/\n$/, "");
  const button = (label: string, title: string, name: string, command: ContentCommand) =>
    h("button.icon-btn", { "aria-label": label, title, on: { click: () => run(command) } }, icon(name));
  return h(
    "div.codeblock",
    {},
    h(
      "header",
      {},
      h("span.grow.cut", {}, title),
      h(
        "div.code-tools",
        { role: "toolbar", "aria-label": "Code actions" },
        button("Copy code", "Copy", "copy", { type: "copy", text: code }),
        button("Insert at cursor", "Insert at Cursor", "insert", { type: "insertAtCursor", code }),
        button("Open as new file", "New File", "new-file", {
          type: "newFile",
          code,
          ...(language ? { language } : {}),
        }),
      ),
    ),
    h("pre", { tabindex: "0", role: "region", "aria-label": `Code, ${title}` }, highlight(code, language)),
  );
}
