import assert from "node:assert/strict";
import fc from "fast-check";
import MarkdownIt from "markdown-it";
import { createFormats } from "../../../src/common/format";
import { conversationMarkdown } from "../../../src/extension/chat/conversationMarkdown";
import type { TurnView } from "../../../src/protocol/service";
import { figures } from "../../support/extension/fakeService";

const formats = createFormats("en");

function turn(user: string, answer: string, change: Partial<TurnView> = {}): TurnView {
  return { id: "t1", user, answer, state: "done", finishReason: "stop", createdAt: 0, ...change };
}

function exported(turns: readonly TurnView[], options: { readonly figures?: boolean; readonly system?: string } = {}) {
  const { figures = false, system = "" } = options;
  return conversationMarkdown({ name: "Ada", modelName: "SmolLM2", system, turns }, { formats, figures });
}

/** The document's own headings of the second level, as a reader of Markdown sees them. */
function turnHeadings(markdown: string): readonly string[] {
  const tokens = new MarkdownIt({ html: true }).parse(markdown, {});
  return tokens.flatMap((token, index) => {
    const isOurs = token.type === "heading_open" && token.tag === "h2" && token.level === 0;
    const title = isOurs ? (tokens[index + 1]?.content ?? "") : "";
    return title.startsWith("Turn ") ? [title] : [];
  });
}

describe("a conversation as Markdown", () => {
  it("has the name, the model, the instructions, and each message with its answer", () => {
    const text = exported([turn("What is it?\n\nSay more.", "It is **this**.")], { system: "Be brief." });
    assert.equal(
      text,
      "# Ada\n\nModel: SmolLM2. 1 turn.\n\n## Instructions\n\n> Be brief.\n\n## Turn 1\n\n> What is it?\n>\n> Say more.\n\nIt is **this**.\n",
    );
  });

  it("names what is attached to a message, whatever the names are", () => {
    const digest = "0".repeat(64);
    const attachments = [
      { kind: "selection", path: "src/a_b.ts", range: { from: 3, to: 3 }, digest, length: 20 },
      { kind: "file", path: "x\n## Turn 9", digest, length: 5 },
    ] as const;
    const text = exported([turn("Why?", "So.", { attachments })]);
    assert.ok(
      text.includes("## Turn 1\n\nAttached: src/a\\_b.ts, line 3; x\uFFFD\\#\\# Turn 9.\n\n> Why?\n\nSo."),
      text,
    );
    assert.deepEqual(turnHeadings(text), ["Turn 1"]);
  });

  it("says which message is a summary of earlier turns", () => {
    const text = exported([turn("[A summary]", "I have read it.", { summary: { turns: 3 } })]);
    assert.match(text, /\*Summary of 3 earlier turns\*\s+> .*A summary/);
  });

  it("folds what was thought, and nothing in it ends the fold", () => {
    const thought = "first\n\n</details>\n## Turn 9";
    const text = exported([turn("a", "b", { thought })]);
    const fold = "<details><summary>Thought</summary>\n\n> first\n>\n> \\</details>\n> ## Turn 9\n\n</details>\n\nb\n";
    assert.ok(text.endsWith(fold), text);
    const html = new MarkdownIt({ html: true }).render(exported([turn("a", "b", { thought: `<!-- x\n\n${thought}` })]));
    assert.deepEqual(html.match(/<\/?details>|<!--/g), ["<details>", "</details>"]);
    assert.doesNotMatch(exported([turn("a", "b", { thought: "" })]), /details/);
    assert.deepEqual(turnHeadings(text), ["Turn 1"]);
  });

  it("has the steps of a turn in one, with what was called and what came of it, folded", () => {
    const call = (id: string) => ({ id, name: "look", arguments: { at: 3, path: "a.ts" } });
    const steps = [
      turn("What is there?", "I look.", { calls: [call("c1"), call("c2")], finishReason: "calls", figures }),
      turn("", "", {
        results: [
          { call: "c1", text: "a tree" },
          { call: "c2", text: "no", failed: true },
        ],
        figures,
      }),
      turn("", "A tree.", { results: [], figures }),
    ];
    const text = exported(steps, { figures: true });
    assert.match(text, /Model: SmolLM2\. 1 turn\.\n/);
    assert.deepEqual(turnHeadings(text), ["Turn 1"]);
    assert(text.includes('I look.\n\n<details><summary>Call of look</summary>\n\n```json\n{\n  "at": 3,'), text);
    assert(text.includes("Result:\n\n```\na tree\n```\n\n</details>"), text);
    assert(text.includes("Failed:\n\n```\nno\n```\n\n</details>"), text);
    assert(
      text.endsWith("A tree.\n\n*3 steps · 60 tokens reused · 30 prefilled · 6 generated · TTFT 84 ms · 11 tok/s*\n"),
    );
  });

  it("says of calls that nothing has come of them yet, or that they were not made", () => {
    const called = turn("a", "", { calls: [{ id: "c1", name: "look", arguments: {} }], finishReason: "calls" });
    assert.match(exported([called]), /No result\.\n\n<\/details>\n\n\*The results of its calls are not there yet\.\*/);
    const instead = turn("b", "c", { results: [{ call: "c1", text: "This was not run.", failed: true }] });
    const text = exported([called, instead]);
    assert.match(text, /Failed:\n\n```\nThis was not run\.\n```/);
    assert.doesNotMatch(text, /not there yet/);
    assert.deepEqual(turnHeadings(text), ["Turn 1", "Turn 2"]);
    const dropped = turn("a", "b", { dropped: { reason: "malformed", name: "<b>x", text: "{" } });
    assert.match(
      exported([dropped]),
      /<summary>A call of &lt;b&gt;x was not made \(malformed\)<\/summary>\n\n```\n\{\n```/,
    );
  });

  it("keeps the turns apart whatever a result contains", () => {
    const results = ["```\n## Turn 9", "````\n</details>\n\n## Turn 9\n`````", "~~~", "</details>\n<!--", "x\n"];
    for (const result of results) {
      const called = turn("a", "b", { calls: [{ id: "c1", name: result, arguments: { [result]: result } }] });
      const text = exported([called, turn("", "c", { results: [{ call: "c1", text: result }] }), turn("d", "e")]);
      assert.deepEqual(turnHeadings(text), ["Turn 1", "Turn 2"], result);
      const html = new MarkdownIt({ html: true }).render(text);
      assert.equal(html.match(/<details>/g)?.length, html.match(/^<\/details>$/gm)?.length, result);
    }
  });

  it("has figures where they are wanted, and says how an answer ended that did not end by itself", () => {
    const stopped = turn("a", "b", { figures, finishReason: "aborted" });
    assert.doesNotMatch(exported([stopped]), /reused/);
    assert.match(
      exported([stopped], { figures: true }),
      /\*20 tokens reused · 10 prefilled · 2 generated · TTFT 84 ms/,
    );
    assert.match(exported([stopped]), /\*The answer was stopped\.\*/);
    const error = { code: "INTERNAL", what: "it broke", advice: "a", facts: {} } as const;
    assert.match(exported([turn("a", "", { state: "failed", error })]), /\*No answer: it broke\.\*/);
  });

  it("keeps the turns apart whatever an answer opens and does not close", () => {
    const hostile = [
      "```ts\nlet x",
      "~~~~\n```\nstill code",
      "1. a list\n\n   ```sh\n   rm",
      "- ```js\n  x()\n  ```\n\nand on",
      "- ```js\n  x()",
      "> ```\n> quoted",
      "````md\n```ts\ninner\n```",
      "```ts\na\n```\n\n```",
      "<!-- a comment",
      "<script>\nx",
      "- <pre>",
      "<details>\n\n<summary>",
      "text\n",
      "Heading\n---\n",
      "| a | b |\n| - | - |",
      "[x]: /url 'title",
      "    indented code",
    ];
    for (const answer of hostile) {
      const text = exported([turn("first", answer), turn("second", "fine")]);
      assert.deepEqual(turnHeadings(text), ["Turn 1", "Turn 2"], answer);
      const asked = exported([turn(answer, "fine"), turn("second", "fine")]);
      assert.deepEqual(turnHeadings(asked), ["Turn 1", "Turn 2"], answer);
    }
  });

  it("keeps them apart for any mixture of such pieces", () => {
    const piece = fc.constantFrom(
      "```",
      "```ts",
      "~~~",
      "````",
      "a",
      "",
      "- b",
      "  c",
      "> d",
      "    e",
      "<!-- f",
      "1. g",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (lines) => {
        const text = exported([turn("first", lines.join("\n")), turn("second", "fine")]);
        assert.deepEqual(turnHeadings(text), ["Turn 1", "Turn 2"]);
      }),
      { numRuns: 500 },
    );
  });

  it("leaves an answer as it is where it closes what it opens", () => {
    const answer = "Look:\n\n```ts\nconst a = `x`;\n```\n\n- one\n  ```\n  two\n  ```";
    assert(exported([turn("a", answer)]).includes(answer));
  });
});
