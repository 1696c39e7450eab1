/** Answers with every kind of content, as models write them and as nobody should. */
function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function table(columns: number, rows: number): string {
  const numbers = Array.from({ length: columns }, (_, at) => at);
  return [
    row(numbers.map((at) => `Column ${at}`)),
    row(numbers.map((at) => (at % 3 === 2 ? "--:" : "---"))),
    ...Array.from({ length: rows }, (_, line) =>
      row(
        numbers.map((at) => (at === 1 ? "a longer text that may well take more than one line" : `value ${line}.${at}`)),
      ),
    ),
  ].join("\n");
}

const markdown = `### Steps of the change

It begins with a heading of the third level, as models like to. See www.example.org/parser?x=1 and https://example.org.

# A first level after it

###### And the sixth

1. First, in \`recoverTo\`
2. Second
   - nested *once*
     - nested **twice**, with a [link](https://example.org/a)

- [x] write the test
- [ ] run it
- [ ] read \`parser.ts\`

> A quote with ~~struck~~ words
>
> > and one in it

---

The energy is $E = mc^2$, the price is $5 to $10, and \\(a_1 + b_1\\) is a sum[^1].

$$
\\sum_{i=1}^{n} a_i
- b_i
$$

![a picture of a cat](https://example.org/cat.png)

[^1]: The sum of two *terms*, told below the text.
`;

const languages: Readonly<Record<string, string>> = {
  ts: `import { parse } from "./parser";\n// A comment\nexport class Reader<T> extends Base {\n  private readonly limit: number = 42;\n  async read(path: string): Promise<boolean> {\n    if (/^x+$/.test(path)) return true;\n    return this.limit > 0 && parse(\`\${path}\`) !== undefined;\n  }\n}`,
  python: `@cached\ndef read(path: str, limit=10) -> bool:\n    """Reads."""\n    for line in open(path):\n        print(f"{line!r}", None, 1.5e3)\n    return True`,
  diff: "@@ -1,2 +1,2 @@\n-const old = 1;\n+const next = 2;\n unchanged",
  html: '<!doctype html>\n<p class="x" id=y>text &amp; more</p>\n<!-- a comment -->',
  css: "@media (width > 1px) {\n  .a > b:hover { color: var(--x, #fff); margin: 1.5em !important }\n}",
  json: '{ "a": [1, true, null], "b": "text" }',
  bash: 'for f in *.ts; do\n  echo "$f" | grep -c x # a comment\ndone',
  sql: "SELECT name, count(*) FROM agents WHERE id > 10 GROUP BY name; -- a comment",
  yaml: "a: 1\nb: [x, 'y']\n# a comment",
  rust: 'fn main() -> Result<(), Error> {\n    let x: u32 = 1;\n    println!("{}", x);\n    Ok(())\n}',
  cpp: "#include <vector>\nint main() { std::vector<int> v{1, 2}; return v.size() == 2 ? 0 : 1; } // a comment",
  go: 'package main\nfunc f(a int) (string, error) { return "x", nil }',
  java: "@Override public final class A extends B { private static int x = 1; }",
  swift: 'let x: Int? = nil\nfunc f(_ a: String) -> Bool { return a == "x" }',
  xml: '<?xml version="1.0"?><a b="c"/>',
};

const code = [
  ...Object.entries(languages).map(([language, text]) => `\`\`\`${language}\n${text}\n\`\`\``),
  `\`\`\`ts ${"a-very-long-name-of-a-file-".repeat(6)}.ts\n${"x".repeat(400)}\n\`\`\``,
  "```\nno language, and one more block of the same name\n```",
  "```\nno language, and one more block of the same name\n```",
  `    indented code ${"with a long line ".repeat(20)}`,
].join("\n\n");

const rightToLeft = "\u202E";

const hostile = `<script>alert(1)</script> and <img src=x onerror=alert(1)>

Inline \`if (isAdmin\u2066 && false\u2069) {\` and \`a\u200Bb\`.

\`\`\`ts ${rightToLeft}st.lmth
const level = "user${rightToLeft} \u2066// only admins\u2069 \u2066";
const na\u200Bme = "\u{E0041}";
const family = "\u{1F468}\u200D\u{1F469}\u200D\u{1F467}";
\`\`\`

${"a".repeat(900)}

https://example.org/${"very/long/path/".repeat(30)}

# ${"Heading".repeat(40)}

| ${"w".repeat(200)} | |
| --- | --- |
| ${rightToLeft}turned | **bold** ${"z".repeat(120)} |

Z${"\u0300\u0301\u0302\u0303".repeat(40)}algo, \u05E9\u05DC\u05D5\u05DD, \u0645\u0631\u062D\u0628\u0627.

- ${"- ".repeat(30)}deep
${"> ".repeat(20)}deep

\\(${"x_1 + ".repeat(80)}y\\)
`;

export const contents = {
  markdown,
  tables: [table(5, 3), table(8, 3), table(40, 2), table(2, 1)].join("\n\n"),
  code,
  hostile,
} as const;

/** A name that turns the text after it around, unless it is kept apart. */
export const hostileName = `snekot ${rightToLeft}0 \u00B7 cold`;
