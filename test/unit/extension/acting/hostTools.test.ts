import assert from "node:assert/strict";
import type { CancellationToken } from "vscode";
import { HostTools } from "../../../../src/extension/acting/hostTools";

const token = {} as CancellationToken;
const { signal } = new AbortController();

/** An API that the test plays: what a tool gives, or throws. */
function host(tools: readonly object[], play: (name: string, input: object) => unknown = () => ({ content: [] })) {
  const api = {
    tools,
    invokeTool: async (name: string, options: { input: object; toolInvocationToken: undefined }) => {
      assert.ok("toolInvocationToken" in options);
      return play(name, options.input);
    },
  };
  return new HostTools(api, () => ({ token, dispose: () => {} }));
}

describe("tools of VS Code", () => {
  it("are listed by name, those that models can be told of", () => {
    const tools = host([
      { name: "b_tool", description: "Second.", inputSchema: { type: "object" } },
      { name: "a-tool", description: "First." },
      { name: "no name", description: "Has a space." },
    ]);
    assert.deepEqual(tools.list(), [
      { name: "a-tool", description: "First." },
      { name: "b_tool", description: "Second.", parameters: { type: "object" } },
    ]);
    assert.ok(tools.has("b_tool") && !tools.has("c"));
  });

  it("are none where VS Code has no such API", () => {
    for (const models of [undefined, null, 3, {}, { tools: [] }, { tools: 1, invokeTool: () => {} }]) {
      const tools = new HostTools(models, () => ({ token, dispose: () => {} }));
      assert.deepEqual([tools.list(), tools.has("a")], [[], false]);
    }
  });

  it("give their texts, other parts as JSON, and a note for what is no text", async () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const tools = host([{ name: "t", description: "" }], (_name, input) => ({
      content: [
        { value: "text" },
        { value: { node: 1 } },
        { mimeType: "application/json", data: bytes('{"a":1}') },
        { mimeType: "image/png", data: bytes("12345") },
        input,
      ],
    }));
    const { text, failed } = await tools.run("t", { x: "y" }, "agent", signal);
    assert.deepEqual(text.split("\n"), [
      "text",
      '{"node":1}',
      '{"a":1}',
      "[image/png, 5 bytes: not shown]",
      '{"x":"y"}',
    ]);
    assert.equal(failed, undefined);
  });

  it("that fail, or are gone, are told to the model", async () => {
    const tools = host([{ name: "t", description: "" }], () => {
      throw new Error("no network");
    });
    assert.deepEqual(await tools.run("t", {}, "agent", signal), { text: "no network", failed: true });
    const gone = await tools.run("gone", {}, "agent", signal);
    assert.match(gone.text, /not there any more/);
    assert.equal(gone.failed, true);
  });
});
