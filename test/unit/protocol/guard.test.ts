import assert from "node:assert/strict";
import fc from "fast-check";
import { approvalWays } from "../../../src/protocol/acting";
import { type ChatCommand, isChatToHost } from "../../../src/protocol/chat";
import { type ActingCommand, mostWays } from "../../../src/protocol/chatActing";
import { attachWays, type FilesCommand, mostDropped } from "../../../src/protocol/chatFiles";
import { type ActionId, actionIds, type ContentCommand } from "../../../src/protocol/page";
import { isRoomToHost, type RoomCommand } from "../../../src/protocol/room";
import { benchSuiteNames } from "../../../src/protocol/service";
import { isStatusToHost, type StatusCommand } from "../../../src/protocol/status";

const id = fc.stringMatching(/^[\w-]{1,36}$/);
const action = fc.constantFrom<ActionId>(...actionIds);
const text = fc.string();

const content: fc.Arbitrary<ContentCommand> = fc.oneof(
  fc.record({ type: fc.constant("copy" as const), text }),
  fc.record({ type: fc.constant("insertAtCursor" as const), code: text }),
  fc.record(
    { type: fc.constant("newFile" as const), code: text, language: fc.constantFrom("ts", "c++", "c#", "objective-c") },
    { requiredKeys: ["type", "code"] },
  ),
  fc.record({ type: fc.constant("openLink" as const), href: fc.webUrl() }),
);

const path = fc.string({ minLength: 1 });

const filesCommands: fc.Arbitrary<FilesCommand> = fc.oneof(
  fc.record({ type: fc.constant("attach" as const), what: fc.constantFrom(...attachWays) }),
  fc.record({ type: fc.constant("attachPaths" as const), paths: fc.array(path, { maxLength: 8 }) }),
  fc.record({ type: fc.constantFrom("attachFound" as const, "unpinFile" as const), path }),
  fc.record({ type: fc.constant("detach" as const), index: fc.nat() }),
  fc.record(
    { type: fc.constant("openAttachment" as const), turn: id, index: fc.nat() },
    { requiredKeys: ["type", "index"] },
  ),
  fc.record({ type: fc.constant("editing" as const), turn: id }, { requiredKeys: ["type"] }),
  fc.record({ type: fc.constant("findFiles" as const), query: text, serial: fc.nat() }),
  fc.record({ type: fc.constantFrom("pinFiles" as const, "renewFiles" as const) }),
);

const actingCommands: fc.Arbitrary<ActingCommand> = fc.oneof(
  fc.record(
    { type: fc.constant("decide" as const), call: text, way: fc.constantFrom(...approvalWays), text },
    { requiredKeys: ["type", "call", "way"] },
  ),
  fc.record({ type: fc.constant("openDiff" as const), call: text }),
  fc.record({ type: fc.constantFrom("goOn" as const, "compact" as const, "tools" as const) }),
  fc.record({ type: fc.constant("openAgent" as const), agent: id }),
  fc.record({ type: fc.constant("ways" as const), turn: id, count: fc.integer({ min: 2, max: mostWays }) }),
  fc.record({ type: fc.constant("chooseWay" as const), way: fc.integer({ min: 0, max: mostWays - 1 }) }),
  fc.record({ type: fc.constant("restoreFiles" as const), turn: id }),
);

const chatCommands: fc.Arbitrary<ChatCommand> = fc.oneof(
  content,
  filesCommands,
  actingCommands,
  fc.record({ type: fc.constant("send" as const), text, instead: id }, { requiredKeys: ["type", "text"] }),
  fc.record(
    { type: fc.constant("readAhead" as const), draft: text, instead: id, serial: fc.nat() },
    { requiredKeys: ["type", "draft", "serial"] },
  ),
  fc.record({ type: fc.constantFrom("stop" as const, "continue" as const) }),
  fc.record({ type: fc.constant("pin" as const), pinned: fc.boolean() }),
  fc.record({ type: fc.constantFrom("regenerate" as const, "switchBranch" as const), turn: id }),
  fc.record({ type: fc.constantFrom("fork" as const, "rewind" as const), turn: id }, { requiredKeys: ["type"] }),
  fc.record({ type: fc.constant("act" as const), action, turn: id }, { requiredKeys: ["type", "action"] }),
);

const roomCommands: fc.Arbitrary<RoomCommand> = fc.oneof(
  content,
  fc.record({
    type: fc.constantFrom("ask" as const, "readAhead" as const),
    text,
    to: fc.oneof(fc.constant("all" as const), fc.array(id, { maxLength: 8 })),
  }),
  fc.record({ type: fc.constantFrom("stop" as const, "openPanel" as const), agent: id }),
  fc.record({ type: fc.constantFrom("stopAll" as const, "chooseMembers" as const) }),
  fc.record({ type: fc.constant("include" as const), agent: id, asked: fc.boolean() }),
  fc.record({ type: fc.constant("fold" as const), message: id, agent: id, folded: fc.boolean() }),
  fc.record({ type: fc.constant("fork" as const), agent: id, turn: id }),
  fc.record({ type: fc.constant("askFork" as const), message: id, agent: id }),
  fc.record({ type: fc.constant("act" as const), action, agent: id, turn: id }, { requiredKeys: ["type", "action"] }),
);

const statusCommands: fc.Arbitrary<StatusCommand> = fc.oneof(
  fc.record({
    type: fc.constant("runBench" as const),
    suite: fc.constantFrom(...benchSuiteNames),
  }),
  fc.record({ type: fc.constant("cancelBench" as const) }),
  fc.record({ type: fc.constant("openAgent" as const), agent: id }),
  fc.record({ type: fc.constant("copy" as const), text }),
  fc.record({ type: fc.constant("act" as const), action }),
);

interface PageGuard {
  readonly page: string;
  readonly guard: (value: unknown) => boolean;
  readonly commands: fc.Arbitrary<object>;
}

const guards: readonly PageGuard[] = [
  { page: "chat", guard: isChatToHost, commands: chatCommands },
  { page: "room", guard: isRoomToHost, commands: roomCommands },
  { page: "status", guard: isStatusToHost, commands: statusCommands },
];

const request = (command: unknown, requestId: unknown = 1) => ({ type: "request", id: requestId, command });

for (const { page, guard, commands } of guards) {
  describe(`the guard of what the ${page} page posts`, () => {
    it("lets every message of its protocol pass, as it comes through a structured clone", () => {
      assert(guard({ type: "ready" }));
      fc.assert(fc.property(commands, fc.nat(), (command, n) => guard(structuredClone(request(command, n)))));
    });

    it("never lets garbage pass", () => {
      fc.assert(fc.property(fc.anything(), (value) => !guard(value) && !guard(request(value))));
      for (const value of [null, undefined, "ready", 1, [], ["ready"], {}, { type: "reply", id: 1 }])
        assert(!guard(value));
    });

    it("refuses a message with one field missing, of another type, or too many", () => {
      fc.assert(
        fc.property(commands, fc.anything(), (command, junk) => {
          const fields = Object.entries(command);
          for (const [name] of fields) {
            const without = Object.fromEntries(fields.filter(([other]) => other !== name));
            if (name === "type") assert(!guard(request(without)));
            assert(!guard(request({ ...command, [name]: Symbol("not data") })));
          }
          assert(!guard(request({ ...command, surplus: junk })));
          assert(!guard({ ...request(command), surplus: junk }));
        }),
      );
    });

    it("refuses request ids that are no counting number", () => {
      const [command] = fc.sample(commands, 1);
      for (const bad of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "1", null]) {
        assert(!guard(request(command, bad)));
      }
    });

    it("does not take inherited fields for the message's own", () => {
      const inherited: unknown = Object.create({ type: "ready" });
      assert(!guard(inherited));
      assert(!guard(request(Object.create({ type: "cancelBench" }))));
      assert(!guard(request({ type: "toString" })));
      assert(!guard(request({ type: "__proto__" })));
    });
  });
}

describe("the guards' fields", () => {
  it("refuse links that are not http, https or mailto", () => {
    const open = (href: string) => isChatToHost(request({ type: "openLink", href }));
    assert(open("https://example.org/a?b=c#d"));
    assert(open("mailto:someone@example.org"));
    for (const href of [
      "javascript:alert(1)",
      "JaVaScRiPt:alert(1)",
      "vscode://command",
      "command:workbench.action.reloadWindow",
      "file:///etc/passwd",
      "data:text/html,x",
      "//example.org",
      "https:// example.org",
      "",
    ]) {
      assert(!open(href), href);
    }
  });

  it("refuse ids that could be a path", () => {
    for (const turn of ["../up", "a/b", "a\\b", "", ".", "a b", "a\n", "x".repeat(129)]) {
      assert(!isChatToHost(request({ type: "regenerate", turn })), JSON.stringify(turn));
    }
  });

  it("refuse empty and endless paths, and more of them than a drop has", () => {
    const drop = (paths: readonly unknown[]) => isChatToHost(request({ type: "attachPaths", paths }));
    assert(drop(["src/a.ts", "file:///home/b.ts", "../c\n\u202E"]), "the host decides what a path names");
    for (const bad of ["", "x".repeat(8193), 1, null]) assert(!drop([bad]));
    assert(drop(Array.from({ length: mostDropped }, () => "a")));
    assert(!drop(Array.from({ length: mostDropped + 1 }, () => "a")));
  });

  it("refuse ways to decide that nobody offered, and one way or too many", () => {
    assert(!isChatToHost(request({ type: "decide", call: "c1", way: "allowAll" })));
    for (const count of [0, 1, mostWays + 1, 2.5]) assert(!isChatToHost(request({ type: "ways", turn: "t1", count })));
    assert(!isChatToHost(request({ type: "chooseWay", way: mostWays })));
  });

  it("refuse more text than any context holds", () => {
    assert(!isChatToHost(request({ type: "send", text: "x".repeat(4 * 1024 * 1024 + 1) })));
  });
});
