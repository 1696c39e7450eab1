import assert from "node:assert/strict";
import path from "node:path";
import type { ServerPiece } from "../../../src/common/serverAnswer";
import type { ToolMode, ToolSpec } from "../../../src/common/tools";
import { ServerDesk } from "../../../src/service/serverDesk";
import { rejection, temporaryFolder } from "../../support/models/folders";
import { newIds } from "../../support/servers/asked";
import {
  beginStream,
  cut,
  delta,
  ended,
  type Script,
  said,
  scriptedServer,
  stream,
  writeEvent,
} from "../../support/servers/scriptedServer";

const tools: readonly ToolSpec[] = [
  {
    name: "read",
    description: "",
    parameters: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
  },
];
const bare = '{"name": "read", "arguments": {"path": "a"}}';
const marked = `<tool_call>\n${bare}\n</tool_call>`;
const xml = "<function=read>\n<parameter=path>\na\n</parameter>\n</function>";
const readA = { name: "read", arguments: { path: "a" } };

describe("A server that leaves calls in its text", () => {
  const folder = temporaryFolder();
  const scripted = scriptedServer();
  let text = "";

  const answered = async (script: Script, toolMode: ToolMode = "auto", offered = tools) => {
    const desk = new ServerDesk({ file: path.join(folder.path, "s.json"), proxy: () => undefined, newId: newIds() });
    const { address } = await desk.connect({ address: scripted.server.url });
    scripted.server.play(script);
    text = "";
    const server = { address, model: "tiny" };
    const take = (piece: ServerPiece) => {
      if (piece.type === "text") text += piece.text;
    };
    try {
      const question = { server, messages: [], tools: offered, toolMode, sampling: {} };
      const answer = await desk.answer(question, AbortSignal.timeout(5000), take);
      const calls = answer.calls.map(({ name, arguments: args }) => ({ name, arguments: args }));
      return { ...answer, calls, ids: answer.calls.map(({ id }) => id) };
    } finally {
      desk.close();
    }
  };
  const inPieces = (whole: string) => stream(...[...whole].map(said), ended());

  for (const form of [bare, `\`\`\`json\n${bare}\n\`\`\``, marked, xml, `<tool_call>\n${xml}\n</tool_call>`]) {
    it(`makes them all the same: ${JSON.stringify(form.slice(0, 30))}`, async () => {
      const { calls, finishReason, dropped } = await answered(inPieces(form));
      assert.deepEqual([calls, finishReason, dropped, text], [[readA], "calls", [], ""]);
      const behind = await answered(inPieces(`I look.\n${form}`));
      assert.deepEqual([behind.calls, text], [[readA], "I look."]);
    });
  }

  it("makes none where none may be made, or of what is no call of a declared tool", async () => {
    for (const mode of ["none", "words"] as const) {
      const { calls } = await answered(inPieces(marked), mode);
      assert.deepEqual([calls, text], [[], marked], mode);
    }
    assert.deepEqual([(await answered(inPieces(marked), "auto", [])).calls, text], [[], marked]);
    for (const other of ['{"name": "Ada", "arguments": {"path": "a"}}', `${bare}\nis how it is written`, "a <b> {c}"]) {
      const { calls, finishReason } = await answered(inPieces(other));
      assert.deepEqual([calls, finishReason, text], [[], "stop", other]);
    }
  });

  it("makes a call once that comes in both ways", async () => {
    const call = { index: 0, id: "x", function: { name: "read", arguments: '{"path":"a"}' } };
    const { calls, ids } = await answered(stream(said(marked), delta({ tool_calls: [call] }), ended("tool_calls")));
    assert.deepEqual([calls, ids, text], [[readA], ["x"], ""]);
  });

  it("says that a call was cut, and keeps what came before a stream broke", async () => {
    const begun = 'I look.\n<tool_call>\n{"name": "read", "arguments": {"pa';
    const { calls, dropped, finishReason } = await answered(stream(said(begun), ended("length")));
    assert.deepEqual(
      [calls, dropped.map(({ reason }) => reason), finishReason, text],
      [[], ["cut"], "length", "I look."],
    );
    const broken: Script = (response) => {
      beginStream(response);
      writeEvent(response, said("I look. {"));
      setTimeout(() => cut(response), 10);
    };
    await rejection(answered(broken), "SERVER_FAILURE", /in the middle/);
    assert.equal(text, "I look. {");
  });
});
