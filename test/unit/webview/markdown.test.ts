import assert from "node:assert/strict";
import fc from "fast-check";
import type { ContentCommand } from "../../../src/protocol/page";
import { Answers } from "../../../src/webview/shared/answers";
import { withCaret } from "../../../src/webview/shared/caret";
import { inlineCode } from "../../../src/webview/shared/inlineCode";
import { type Markdown, renderMarkdown } from "../../../src/webview/shared/markdown";
import type { TreeNode } from "../../../src/webview/shared/tree";
import { classes, nodesOf, press, text } from "../../support/webview/trees";

const ignore = () => {};

function blocks(source: string, run: (command: ContentCommand) => void = ignore): readonly TreeNode[] {
  return renderMarkdown(source, run).blocks.map(({ node }) => node);
}

/** Trees without their listeners, which are new objects at every render. */
function shape(nodes: readonly TreeNode[]): string {
  return JSON.stringify(nodes);
}

const allowedTags = new Set(
  "p h3 h4 h5 h6 ul ol li blockquote hr br code pre em strong s a table thead tbody tr th td div header span button".split(
    " ",
  ),
);
const allowedAttributes = new Set([
  "class",
  "href",
  "title",
  "start",
  "tabindex",
  "aria-label",
  "aria-hidden",
  "role",
  "on",
]);

const hostile = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  '<a href="javascript:alert(1)">x</a>',
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt:alert(1))",
  "[x](java\nscript:alert(1))",
  "[x](&#106;avascript:alert(1))",
  "[x](data:text/html;base64,PHNjcmlwdD4=)",
  "[x](vbscript:x)",
  "[x](command:workbench.action.quit)",
  "[x](vscode://evil)",
  "[x](file:///etc/passwd)",
  "![x](https://tracker.example/pixel.png)",
  "![x](javascript:alert(1))",
  "<svg/onload=alert(1)>",
  "<style>*{display:none}</style>",
  '<iframe srcdoc="<script>1</script>"></iframe>',
  "```html\n<script>alert(1)</script>\n```",
  '```"><script>alert(1)</script>\nx\n```',
  "`<script>`",
  "| <b onclick=x> |\n|---|\n| <script> |",
  "[ref]\n\n[ref]: javascript:alert(1)",
  '<https://example.org/"onmouseover=alert(1)>',
  "&lt;script&gt;&#60;script&#62;",
];

function assertHarmless(nodes: readonly TreeNode[]): void {
  for (const { tag, props } of nodesOf(...nodes)) {
    assert(allowedTags.has(tag), `<${tag}>`);
    for (const name of Object.keys(props)) assert(allowedAttributes.has(name), `${name} on <${tag}>`);
    const { href } = props;
    if (href !== undefined) assert.match(String(href), /^(https?:\/\/|mailto:)/i);
  }
}

describe("markdown that a model wrote", () => {
  for (const source of hostile) {
    it(`becomes only listed elements: ${JSON.stringify(source)}`, () => assertHarmless(blocks(source)));
  }

  it("becomes only listed elements, whatever it is", () => {
    const piece = fc.oneof(
      fc.constantFrom(...hostile),
      fc.string(),
      fc.constantFrom("\n", "\n\n", "> ", "- ", "|", "`"),
    );
    const source = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(fc.property(source, (it) => assertHarmless(blocks(it))));
  });

  it("shows HTML as the text that it is", () => {
    assert.equal(text(...blocks("<script>alert(1)</script>")), "<script>alert(1)</script>");
    assert.equal(text(...blocks("a <b>bold</b> word")), "a <b>bold</b> word");
  });

  it("shows an image as its description and loads nothing", () => {
    const shown = blocks("![a cat](https://tracker.example/pixel.png)");
    assert.equal(text(...shown), "[a cat]");
    assert(!shape(shown).includes("tracker.example"));
  });

  it("hands a link to the host", () => {
    const commands: ContentCommand[] = [];
    const [link] = nodesOf(...blocks("[docs](https://example.org/a)", (command) => commands.push(command))).filter(
      ({ tag }) => tag === "a",
    );
    const event = new Event("click", { cancelable: true });
    link?.props.on?.["click"]?.(event);
    assert(event.defaultPrevented);
    assert.deepEqual(commands, [{ type: "openLink", href: "https://example.org/a" }]);
  });

  it("keeps the page's own headings above those of an answer", () => {
    const tags = blocks("# one\n\n###### six").map(({ tag }) => tag);
    assert.deepEqual(tags, ["h3", "h6"]);
  });

  it("shows lists, tables, quotes and emphasis", () => {
    const source = "3. a\n4. **b**\n\n> q\n\n| x | y |\n|:-:|--:|\n| 1 | 2 |\n\n~~s~~ _e_";
    const nodes = nodesOf(...blocks(source));
    assert.equal(nodes.find(({ tag }) => tag === "ol")?.props["start"], 3);
    for (const tag of ["strong", "blockquote", "s", "em"])
      assert(
        nodes.some((node) => node.tag === tag),
        tag,
      );
    assert.deepEqual(
      nodes.filter(({ tag }) => tag === "td").map(({ props }) => props.class),
      ["center", "right"],
    );
  });
});

describe("a code block", () => {
  const source = "```ts recover.ts\nlet x = 1;\n```";

  it("has the file's name and what can be done with the code", () => {
    const commands: ContentCommand[] = [];
    const shown = blocks(source, (command) => commands.push(command));
    assert(text(...shown).startsWith("recover.ts"));
    for (const name of ["Copy code", "Insert at cursor", "Open as new file"]) press(name, ...shown);
    assert.deepEqual(commands, [
      { type: "copy", text: "let x = 1;" },
      { type: "insertAtCursor", code: "let x = 1;" },
      { type: "newFile", code: "let x = 1;", language: "ts" },
    ]);
  });

  it("keeps every character of the code, coloured or not", () => {
    const code = fc.string().map((it) => it.replaceAll("`", "").replaceAll("\r", "").replaceAll("\0", ""));
    const language = fc.constantFrom("ts", "python", "html", "json", "bash", "unknown", "");
    fc.assert(
      fc.property(code, language, (it, name) => {
        const [pre] = nodesOf(...blocks(`\`\`\`${name}\n${it}\n\`\`\``)).filter(({ tag }) => tag === "pre");
        assert.equal(pre && text(pre), it);
      }),
    );
  });

  it("takes a language only when it is one", () => {
    const commands: ContentCommand[] = [];
    press("Open as new file", ...blocks("```<script>\nx\n```", (command) => commands.push(command)));
    assert.deepEqual(commands, [{ type: "newFile", code: "x" }]);
  });
});

describe("an answer that streams", () => {
  const line = fc.oneof(
    fc.constantFrom(
      "# h",
      "- a",
      "- ",
      "1. a",
      "2. b",
      "2",
      "```ts",
      "```",
      "let x = 1;",
      "> q",
      "| a | b |",
      "|---|---|",
    ),
    fc.constantFrom(
      "",
      "",
      "",
      "text",
      "**bold",
      "end**",
      "---",
      "===",
      "  indented",
      "    code",
      "* x",
      "\tb",
      "-",
      "1",
    ),
    fc.stringMatching(/^[a-z `*_~#>|.\d-]{0,12}$/),
  );
  const source = fc.array(line, { maxLength: 12 }).map((lines) => lines.join("\n"));

  it("looks at its end as if it had come at once", () => {
    fc.assert(
      fc.property(source, fc.integer({ min: 1, max: 5 }), (whole, step) => {
        let shown: Markdown | undefined;
        for (let cut = step; cut < whole.length; cut += step)
          shown = renderMarkdown(whole.slice(0, cut), ignore, shown);
        shown = renderMarkdown(whole, ignore, shown);
        assert.equal(shape(shown.blocks.map(({ node }) => node)), shape(blocks(whole)));
      }),
      { numRuns: 120 },
    );
  });

  it("joins what new text shows to be one list", () => {
    const before = renderMarkdown("1. a\n\n2", ignore);
    assert.equal(before.blocks.length, 2);
    assert.equal(renderMarkdown("1. a\n\n2. b", ignore, before).blocks.length, 1);
  });

  it("keeps the blocks that new text cannot change", () => {
    const before = renderMarkdown("one\n\ntwo\n\nthree\n\nfour", ignore);
    const after = renderMarkdown("one\n\ntwo\n\nthree\n\nfour and more", ignore, before);
    assert.equal(after.blocks[0], before.blocks[0]);
    assert.equal(after.blocks[1], before.blocks[1]);
    assert.notEqual(after.blocks[3], before.blocks[3]);
  });

  it("is read anew when it is another text", () => {
    const before = renderMarkdown("one\n\ntwo", ignore);
    assert.equal(text(...renderMarkdown("other", ignore, before).blocks.map(({ node }) => node)), "other");
  });

  it("has its caret after the last text, inside the innermost element", () => {
    const [list] = blocks("- a\n- b **c**");
    assert(list);
    const last = withCaret(list).children.at(-1);
    assert(last !== undefined && typeof last !== "string" && last.tag === "li");
    assert.deepEqual(classes(last.children.at(-1) ?? ""), ["caret"]);
  });
});

describe("what a person wrote", () => {
  it("is shown as it is, with code as code", () => {
    const shown = inlineCode("make `readBlock` *async* <b>");
    assert.equal(text(...shown), "make readBlock *async* <b>");
    assert.deepEqual(
      nodesOf(...shown).map(({ tag }) => tag),
      ["code"],
    );
  });
});

describe("the answers of a page", () => {
  const answers = new Answers(ignore);
  const link = "see [it]\n\nmore\n\nand more\n\n[it]: https://example.org";

  it("are read as a whole at their end: a link's address may stand below it", () => {
    for (const end of [8, 20, link.length]) answers.view("a", link.slice(0, end), true);
    const nodes = nodesOf(answers.view("a", link, false));
    assert(nodes.some(({ tag }) => tag === "a"));
  });

  it("are not read again when they are shown again", () => {
    const [first, again] = [answers.view("b", "one\n\ntwo", false), answers.view("b", "one\n\ntwo", false)];
    assert.equal(again.children[0], first.children[0]);
  });
});
