import assert from "node:assert/strict";
import fc from "fast-check";
import type { ContentCommand } from "../../../src/protocol/page";
import { Answers } from "../../../src/webview/shared/answers";
import { withCaret } from "../../../src/webview/shared/caret";
import { inlineCode } from "../../../src/webview/shared/inlineCode";
import { type Markdown, renderMarkdown } from "../../../src/webview/shared/markdown";
import { type Child, childrenOf, type TreeNode } from "../../../src/webview/shared/tree";
import { classes, click, nodesOf, press, text } from "../../support/webview/trees";

const ignore = () => {};

function blocks(source: string, run: (command: ContentCommand) => void = ignore): readonly TreeNode[] {
  return renderMarkdown(source, run).blocks.map(({ node }) => node);
}

/** Trees without their listeners, which are new objects at every render. */
function shape(nodes: readonly TreeNode[]): string {
  return JSON.stringify(nodes.map(plainOf));
}

function plainOf(child: Child): unknown {
  if (typeof child === "string") return child;
  return [child.type, child.key, { ...child.props, children: childrenOf(child).map(plainOf) }];
}

const allowedTags = new Set(
  "p h2 h3 h4 h5 h6 ul ol li blockquote hr br code pre em strong s a table thead tbody tr th td div header span button input sup".split(
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
  "onclick",
  "type",
  "disabled",
  "checked",
  "data-code",
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
  "$<script>$ \\(<b>\\) [^<i>]\n\n[^x]: <script>\n\n$$\n<script>\n$$",
  "- [x] <input type=text onfocus=alert(1)>",
  'www.example.org/"onmouseover=alert(1)',
  "`a\u202Eb`\n\n```\nx\u2066y\n```",
];

function assertHarmless(nodes: readonly TreeNode[]): void {
  for (const { type, props } of nodesOf(...nodes)) {
    const tag = String(type);
    assert(allowedTags.has(tag), `<${tag}>`);
    const { children: _, ...attributes } = props;
    for (const name of Object.keys(attributes)) assert(allowedAttributes.has(name), `${name} on <${tag}>`);
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
      ({ type }) => type === "a",
    );
    const event = new Event("click", { cancelable: true });
    assert(link);
    click(link, event);
    assert(event.defaultPrevented);
    assert.deepEqual(commands, [{ type: "openLink", href: "https://example.org/a" }]);
  });

  describe("headings", () => {
    const levels = (source: string) =>
      nodesOf(...blocks(source))
        .map(({ type }) => String(type))
        .filter((tag) => /^h\d$/.test(tag));

    it("stand under the page's own, each at most one level deeper than the one before", () => {
      assert.deepEqual(levels("# one\n\n###### six\n\n## two\n\n### three\n\n# one"), ["h2", "h3", "h3", "h4", "h2"]);
      assert.deepEqual(levels("### three\n\n## two\n\n### three"), ["h2", "h2", "h3"]);
      assert.deepEqual(levels("> # in a quote\n\n- ### in a list"), ["h2", "h3"]);
    });

    it("have the same levels when they came one after the other", () => {
      const source = "# one\n\n### three\n\n#### four\n\ntext\n\n#### four\n\n## two";
      let shown: Markdown | undefined;
      for (let cut = 1; cut <= source.length; cut += 1) shown = renderMarkdown(source.slice(0, cut), ignore, shown);
      assert.equal(shape(shown?.blocks.map(({ node }) => node) ?? []), shape(blocks(source)));
    });
  });

  it("shows lists, tables, quotes and emphasis", () => {
    const source = "3. a\n4. **b**\n\n> q\n\n| x | y |\n|:-:|--:|\n| 1 | 2 |\n\n~~s~~ _e_";
    const nodes = nodesOf(...blocks(source));
    assert.equal(nodes.find(({ type }) => type === "ol")?.props["start"], 3);
    for (const tag of ["strong", "blockquote", "s", "em"])
      assert(
        nodes.some((node) => node.type === tag),
        tag,
      );
    assert.deepEqual(
      nodes.filter(({ type }) => type === "td").map(({ props }) => props.class),
      ["center short", "right short"],
    );
  });

  it("has each table in a box of its own that the keyboard reaches", () => {
    const tables = nodesOf(...blocks("| a |\n|---|\n| 1 |\n\ntext\n\n| b |\n|---|\n| 2 |")).filter(
      ({ props }) => props.class === "table",
    );
    assert.deepEqual(
      tables.map(({ props }) => [props["tabindex"], props["aria-label"], props.children.length]),
      [
        ["0", "Table 1", 1],
        ["0", "Table 2", 1],
      ],
    );
  });

  it("keeps a cell in one line only when its text is short, and has no header without a text", () => {
    const cells = nodesOf(...blocks(`| a | |\n|---|---|\n| short | ${"long ".repeat(9)}|`)).filter(({ type }) =>
      ["th", "td"].includes(String(type)),
    );
    assert.deepEqual(
      cells.map(({ type, props }) => `${String(type)} ${props.class}`),
      ["th short", "td short", "td short", "td undefined"],
    );
  });

  it("shows tasks with boxes that nobody can tick, and only at the start of an item", () => {
    const shown = nodesOf(...blocks("- [ ] a\n- [x] **b**\n- [X]c\n- d [ ] e\n\n[x] f"));
    assert.deepEqual(
      shown
        .filter(({ type }) => type === "input")
        .map(({ props }) => [props["checked"], props["disabled"], props["aria-label"]]),
      [
        [false, true, "Not done"],
        [true, true, "Done"],
      ],
    );
    assert.equal(text(...blocks("- [x] **b** c")).trim(), "b c");
    assert(text(...blocks("- d [ ] e")).includes("[ ]"));
  });

  describe("a formula", () => {
    const formulas = (source: string) =>
      nodesOf(...blocks(source))
        .filter(({ props }) => props.class === "math")
        .map((node) => text(node));

    it("stays its source, whatever Markdown would read in it", () => {
      for (const source of ["$a_1 * b_2 * c$", "\\(x_1 + y_1\\)", "\\[ \\alpha_1 \\]", "$$\\sum_{i} a_i$$"])
        assert.deepEqual(formulas(`see ${source}, then`), [source]);
      for (const source of ["$$\na_i\n- b_i\n# c\n$$", "\\[\na\n> b\n\\]"])
        assert.deepEqual(formulas(`before:\n${source}\nafter`), [source]);
    });

    it("is not an amount of money, a variable or an escape", () => {
      for (const source of [
        "$5 to $10",
        "costs $5-$10",
        "US$5 and US$6",
        "$ a $",
        "\\$x\\$",
        "$HOME",
        "`$x$`",
        "a\\_b",
      ])
        assert.deepEqual(formulas(source), []);
    });

    it("ends at a blank line when nothing ends it", () => {
      assert.deepEqual(formulas("$$\na\n\nb"), ["$$\na"]);
    });
  });

  it("shows footnotes where they are written", () => {
    const shown = blocks("a[^1] and b[^note]\n\n[^1]: word\n[^note]: see *it*\n  and more");
    const marks = nodesOf(...shown).filter(({ type }) => type === "sup");
    assert.deepEqual(
      marks.map((node) => text(node)),
      ["1", "note", "1", "note"],
    );
    assert.deepEqual(
      shown.slice(1).map((node) => text(node)),
      ["1 word", "note see it\nand more"],
    );
  });

  it("links addresses that begin with www., and no names of files", () => {
    const links = (source: string) =>
      nodesOf(...blocks(source))
        .filter(({ type }) => type === "a")
        .map(({ props }) => props["href"]);
    assert.deepEqual(links("see www.example.org/a?b=1, and (www.example.org)."), [
      "https://www.example.org/a?b=1",
      "https://www.example.org",
    ]);
    assert.deepEqual(links("main.rs, README.md, www.x, `www.example.org`"), []);
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
        const [pre] = nodesOf(...blocks(`\`\`\`${name}\n${it}\n\`\`\``)).filter(({ type }) => type === "pre");
        assert.equal(pre && text(pre), it);
      }),
    );
  });

  it("has a label of its own", () => {
    const labels = nodesOf(...blocks("```ts\na\n```\n\ntext\n\n```\nb\n```\n\n- x\n\n      c"))
      .filter(({ type }) => type === "pre")
      .map(({ props }) => props["aria-label"]);
    assert.deepEqual(labels, ["Code 1, ts", "Code 2, text", "Code 3, text"]);
  });

  describe("with hidden characters", () => {
    const hostileCode = "```ts a\u202Eb.ts\nif (x\u2066 //\u2069) {}\n```";

    it("shows each as a mark, says how many there are and copies without them when asked", () => {
      const commands: ContentCommand[] = [];
      const shown = blocks(hostileCode, (command) => commands.push(command));
      const marks = nodesOf(...shown).filter(({ props }) => props.class === "hidden-char");
      assert.deepEqual(
        marks.map(({ props }) => props["data-code"]),
        ["U+2066", "U+2069"],
      );
      assert.match(text(...shown), /^ab\.ts2 hidden characters \(U\+2066, U\+2069\): /);
      press("Copy Without Them", ...shown);
      press("Copy code, with 2 hidden characters", ...shown);
      assert.deepEqual(commands, [
        { type: "copy", text: "if (x //) {}" },
        { type: "copy", text: "if (x\u2066 //\u2069) {}" },
      ]);
    });

    it("has no such line when there are none", () => {
      assert(!text(...blocks("```ts\nlet x = 'é, 日本, привет';\n```")).includes("hidden"));
    });
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
      "$$",
      "[^1]: note",
      "- [ ] task",
      "#### deep",
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
    const last = childrenOf(withCaret(list)).at(-1);
    assert(last !== undefined && typeof last !== "string" && last.type === "li");
    assert.deepEqual(classes(childrenOf(last).at(-1) ?? ""), ["caret"]);
  });
});

describe("the caret in a table that streams", () => {
  it("stands in its last cell, not behind the table", () => {
    const [table] = blocks("| a |\n|---|\n| 1 |");
    assert(table);
    const cell = nodesOf(withCaret(table)).find(({ type }) => type === "td");
    assert(cell);
    assert.deepEqual(classes(childrenOf(cell).at(-1) ?? ""), ["caret"]);
  });
});

describe("what a person wrote", () => {
  it("is shown as it is, with code as code", () => {
    const shown = inlineCode("make `readBlock` *async* <b>");
    assert.equal(text(...shown), "make readBlock *async* <b>");
    assert.deepEqual(
      nodesOf(...shown).map(({ type }) => type),
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
    assert(nodes.some(({ type }) => type === "a"));
  });

  it("are not read again when they are shown again", () => {
    const [first, again] = [answers.view("b", "one\n\ntwo", false), answers.view("b", "one\n\ntwo", false)];
    assert.equal(childrenOf(again)[0], childrenOf(first)[0]);
  });
});
