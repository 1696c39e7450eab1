import assert from "node:assert/strict";
import fc from "fast-check";
import { ResidentError } from "../../../../src/common/errors";
import { chatRoles } from "../../../../src/extension/languageModels/chatApi";
import { requestMessages } from "../../../../src/extension/languageModels/requestMessages";
import { mostCharacters } from "../../../../src/extension/languageModels/requestText";
import {
  dataPart,
  PromptTsxPart,
  said,
  TextPart,
  ThinkingPart,
  ToolCallPart,
  ToolResultPart,
} from "../../../support/extension/fakeChatHost";

const { assistant, system, user } = chatRoles;

async function refused(...messages: Parameters<typeof requestMessages>): Promise<ResidentError> {
  try {
    await requestMessages(...messages);
  } catch (error) {
    assert.ok(error instanceof ResidentError);
    return error;
  }
  throw new Error("it was not refused");
}

describe("what names one chat in VS Code's instructions", () => {
  const log = (id: string) => `- VSCODE_TARGET_SESSION_LOG: /logs/${id}/main.jsonl`;
  const [one, two] = ["eeee5102-1fcf-423d-892b-30c9bc7ecae6", "aba4183e-d60c-49ea-9169-499679151938"];
  const instructions = (variable: string) =>
    `Be brief.\n- VSCODE_USER_PROMPTS_FOLDER: /prompts\n${variable}\nSubstitute the values above.`;
  const asked = (variable: string, ...more: readonly ReturnType<typeof said>[]) =>
    requestMessages([said(system, instructions(variable)), said(user, "Hello"), ...more]);

  it("stands before the person's first message instead, so that two chats begin with the same instructions", async () => {
    const [first, second] = [await asked(log(one)), await asked(log(two))];
    assert.deepEqual(first[0], second[0]);
    assert.equal(first[0]?.content, "Be brief.\n- VSCODE_USER_PROMPTS_FOLDER: /prompts\nSubstitute the values above.");
    assert.match(
      first[1]?.content ?? "",
      /^Template variables of this chat.*\n- VSCODE_TARGET_SESSION_LOG: \/logs\/eeee5102.*\n\nHello$/,
    );
    assert.match(second[1]?.content ?? "", /aba4183e/);
  });

  it("stands there in later requests of the chat too, and once", async () => {
    const [first, later] = [await asked(log(one)), await asked(log(one), said(assistant, "Hi"), said(user, "Again"))];
    assert.deepEqual(later.slice(0, 2), first);
    assert.equal(later[3]?.content, "Again");
  });

  const asTheyAre = {
    "a variable of all chats": instructions("- VSCODE_VERSION: 1.139"),
    "an id elsewhere": `Be brief.\nThe id is ${one}.`,
  };
  for (const [what, text] of Object.entries(asTheyAre)) {
    it(`leaves ${what} where it is`, async () => {
      const [first, second] = await requestMessages([said(system, text), said(user, "Hello")]);
      assert.deepEqual([first?.content, second?.content], [text, "Hello"]);
    });
  }

  it("stays where no message of the person follows", async () => {
    const [first] = await requestMessages([
      said(system, instructions(log(one))),
      said(assistant, "Hi"),
      said(user, "So?"),
    ]);
    assert.match(first?.content ?? "", /eeee5102/);
  });
});

describe("the messages of a request", () => {
  it("keep their roles and texts, with the parts of one message joined as they are", async () => {
    assert.deepEqual(
      await requestMessages([
        said(system, "Be brief."),
        said(user, "Hello ", "there"),
        said(assistant, "Hi"),
        { role: user, content: "a plain string" },
      ]),
      [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Hello there" },
        { role: "assistant", content: "Hi" },
        { role: "user", content: "a plain string" },
      ],
    );
  });

  it("keep calls with their answers, and give each result a message of its own with its tool's name", async () => {
    const messages = await requestMessages([
      said(user, "How warm is it?"),
      said(
        assistant,
        "I look.",
        new ToolCallPart("c1", "weather", { city: "Paris" }),
        new ToolCallPart("c2", "time", {}),
      ),
      said(user, new ToolResultPart("c1", [new TextPart("20 "), new TextPart("degrees")]), "And", " now?"),
      said(user, new ToolResultPart("c2", [new TextPart("noon")])),
    ]);
    assert.deepEqual(messages, [
      { role: "user", content: "How warm is it?" },
      {
        role: "assistant",
        content: "I look.",
        calls: [
          { id: "c1", name: "weather", arguments: { city: "Paris" } },
          { id: "c2", name: "time", arguments: {} },
        ],
      },
      { role: "tool", call: "c1", name: "weather", content: "20 degrees" },
      { role: "user", content: "And now?" },
      { role: "tool", call: "c2", name: "time", content: "noon" },
    ]);
  });

  it("read text and JSON in bytes, whatever their type is called", async () => {
    for (const mimeType of [
      "text/plain",
      "text/x-json",
      "application/json",
      "json",
      "application/vnd.api+json; charset=utf-8",
    ]) {
      assert.deepEqual(await requestMessages([said(user, dataPart('{"a":"ü"}', mimeType))]), [
        { role: "user", content: '{"a":"ü"}' },
      ]);
    }
  });

  it("leave out marks of caches, thoughts and what is meant for people, also inside results", async () => {
    const forPeople = Object.assign(new TextPart("shown"), { audience: [1] });
    const forModels = Object.assign(new TextPart("both"), { audience: [0, 1] });
    const mark = dataPart("ephemeral", "cache_control");
    assert.deepEqual(
      await requestMessages([
        said(system, "Be brief.", mark),
        said(user, mark),
        said(assistant, new ThinkingPart(["Hm", "!"], "t1"), new ThinkingPart("", "", {}), "Hi"),
        said(assistant, new ToolCallPart("c1", "weather", {}), dataPart("x", "stateful_marker")),
        said(user, new ToolResultPart("c1", [forPeople, mark, forModels, new TextPart("!")])),
      ]),
      [
        { role: "system", content: "Be brief." },
        { role: "assistant", content: "Hi" },
        { role: "assistant", content: "", calls: [{ id: "c1", name: "weather", arguments: {} }] },
        { role: "tool", call: "c1", name: "weather", content: "both!" },
      ],
    );
  });

  it("join the texts of a prompt-tsx part as VS Code does, however deep they are", async () => {
    const text = (value: string, lineBreakBefore = false) => ({ type: 2, text: value, lineBreakBefore });
    let node: object = { type: 1, ctor: 2, children: [text("a"), text("b", true), { type: 3, value: "opaque" }] };
    for (let depth = 0; depth < 20_000; depth++) node = { type: 1, ctor: 2, children: [node] };
    const content = await requestMessages([
      said(assistant, new ToolCallPart("c1", "read", {})),
      said(user, new ToolResultPart("c1", [new PromptTsxPart({ node }), new PromptTsxPart({ answer: 42 })])),
    ]);
    assert.deepEqual(content.at(-1), { role: "tool", call: "c1", name: "read", content: 'a\nb{"answer":42}' });
  });

  it("refuse an image of a person in words, and tell the model of one in a result", async () => {
    const image = dataPart("\u0001\u0002", "image/png");
    const { code, what, advice } = await refused([said(user, "Look", image)]);
    assert.equal(code, "INVALID_REQUEST");
    assert.match(what, /has an image, and Resident's models read text only/);
    assert.match(advice, /without the image/);
    assert.match((await refused([said(user, dataPart("x", "application/pdf"))])).what, /application\/pdf/);
    const messages = await requestMessages([
      said(assistant, new ToolCallPart("c1", "screenshot", {})),
      said(user, new ToolResultPart("c1", [new TextPart("Done. "), image])),
    ]);
    assert.equal(messages.at(-1)?.content, "Done. [image/png, 2 bytes: this model cannot read it]");
  });

  it("refuse a result whose call is not there", async () => {
    const error = await refused([said(user, new ToolResultPart("c9", [new TextPart("20")]))]);
    assert.equal(error.code, "INVALID_REQUEST");
    assert.match(error.what, /"c9"/);
  });

  it("refuse a request without text", async () => {
    assert.equal((await refused([said(user, dataPart("ephemeral", "cache_control"))])).code, "INVALID_REQUEST");
    assert.equal((await refused([])).code, "INVALID_REQUEST");
  });

  it("take calls whose arguments are no object as calls without arguments", async () => {
    for (const input of ["text", ["list"], null, 7]) {
      const [message] = await requestMessages([said(assistant, { callId: "c1", name: "weather", input })]);
      assert.deepEqual(message, {
        role: "assistant",
        content: "",
        calls: [{ id: "c1", name: "weather", arguments: {} }],
      });
    }
  });

  it("survive parts of every shape", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.anything(), { maxLength: 8 }), async (parts) => {
        try {
          for (const { content } of await requestMessages([{ role: 1, content: [...parts, "end"] }])) {
            assert.equal(typeof content, "string");
          }
        } catch (error) {
          assert.ok(error instanceof ResidentError, String(error));
        }
      }),
    );
  });

  it("refuse 10 MB with both numbers, and convert what is just allowed without keeping the thread", async () => {
    const part = "x".repeat(10_000);
    const { code, what, facts } = await refused([said(user, ...Array<string>(1_049).fill(part))]);
    assert.equal(code, "INVALID_REQUEST");
    assert.match(what, /10,490,000 characters.*4,194,304/);
    assert.deepEqual(facts, { characters: 10_490_000, mostCharacters });

    const one = dataPart("x".repeat(1_000), "text/plain");
    const all = Array.from({ length: 4_194 }, () => said(user, one));
    // Time of the processor: others may have it for a while on a busy machine.
    const usedMs = () => {
      const { user: ofUser, system } = process.cpuUsage();
      return (ofUser + system) / 1000;
    };
    let longestMs = 0;
    let turns = 0;
    let last = usedMs();
    const watch = setInterval(() => {
      turns += 1;
      longestMs = Math.max(longestMs, usedMs() - last);
      last = usedMs();
    }, 1);
    const messages = await requestMessages(all);
    clearInterval(watch);
    assert.equal(messages.length, 4_194);
    assert.ok(turns > 0 && longestMs < 100, `${turns} turns, and the thread was kept for ${longestMs} ms`);
  });
});
