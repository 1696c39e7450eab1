import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import type { RoomCommand, RoomMember, RoomMessage, RoomSnapshot } from "../../../src/protocol/room";
import { answerView } from "../../../src/webview/room/answer";
import { chipsView } from "../../../src/webview/room/chips";
import { answerState, askBlocked, roomAnnouncement, summary, targetLabel } from "../../../src/webview/room/derived";
import { addressed, aheadOf, mentionOptions, mentionQuery } from "../../../src/webview/room/mention";
import { messageView } from "../../../src/webview/room/message";
import { emptyRoom, fold, reduceRoom } from "../../../src/webview/room/state";
import { Answers } from "../../../src/webview/shared/answers";
import { agent, figures, ready } from "../../support/webview/samples/agents";
import { roomSamples } from "../../support/webview/samples/room";
import { buttons, byRole, nodesOf, press, text } from "../../support/webview/trees";

const formats = createFormats("en");

const members: readonly RoomMember[] = [
  { agent: agent(0, "Test"), asked: true },
  { agent: agent(1, "Test writer"), asked: true },
  { agent: agent(2, "Locked", { lockedElsewhere: true }), asked: false },
  { agent: agent(3, "Quiet"), asked: false },
];

const snapshot: RoomSnapshot = {
  settings: { language: "en" },
  engine: { state: ready, actions: [] },
  members,
  messages: [],
};

function sample(name: string): RoomSnapshot {
  const state = (roomSamples[name] ?? []).reduce(reduceRoom, emptyRoom);
  if (!state.snapshot) throw new Error(`no sample ${name}`);
  return state.snapshot;
}

function message(name: string): RoomMessage {
  const last = sample(name).messages.at(-1);
  if (!last) throw new Error(`sample ${name} has no message`);
  return last;
}

describe("whom a message is for", () => {
  it("is all, unless it begins with a name", () => {
    assert.deepEqual(addressed("  hello @Test ", members), { to: "all", text: "hello @Test" });
    assert.deepEqual(addressed("@Test hello", members), { to: ["agent-0"], text: "hello" });
    assert.deepEqual(addressed("@all hello", members), { to: "all", text: "hello" });
  });

  it("is the longest name that fits, in any case, with spaces in it", () => {
    assert.deepEqual(addressed("@test WRITER, hello", members), { to: ["agent-1"], text: "hello" });
    assert.deepEqual(addressed("@Testwriter hello", members), { to: "all", text: "@Testwriter hello" });
  });

  it("is read ahead by those whom it is for, and by nobody while a name is being typed", () => {
    assert.deepEqual(aheadOf(" hello ", members), { to: "all", text: "hello" });
    assert.deepEqual(aheadOf("@Test hello", members), { to: ["agent-0"], text: "hello" });
    assert.deepEqual(aheadOf("@all hello", members), { to: "all", text: "hello" });
    for (const draft of ["", "  ", "@", "@Tes", "@Test", "@Test ", "@Nobody hello", "@Locked hello"]) {
      assert.equal(aheadOf(draft, members), undefined, draft);
    }
  });

  it("is never an agent that is locked", () => {
    assert.deepEqual(addressed("@Locked hello", members), { to: "all", text: "@Locked hello" });
  });

  it("is shown beside the send button", () => {
    assert.equal(targetLabel("hello", members, formats), "To all (2)");
    assert.equal(targetLabel("@Quiet hello", members, formats), "To Quiet");
  });
});

describe("the list of names", () => {
  it("opens only for a name at the message's start", () => {
    assert.equal(mentionQuery("@te", 3), "te");
    assert.equal(mentionQuery("@", 1), "");
    assert.equal(mentionQuery("hello @te", 9), undefined);
    assert.equal(mentionQuery("@te\nmore", 8), undefined);
  });

  it("offers all and whom can be asked, with the place of what was typed", () => {
    const names = (query: string) => mentionOptions(query, members).map(({ name, at }) => [name, at]);
    assert.deepEqual(names(""), [
      ["all", -1],
      ["Test", -1],
      ["Test writer", -1],
      ["Quiet", -1],
    ]);
    assert.deepEqual(names("WRI"), [["Test writer", 5]]);
  });
});

describe("whether a message can be sent", () => {
  it("depends on those it is for", () => {
    const busy = { ...snapshot, messages: [message("streaming")] };
    assert.equal(askBlocked(snapshot, "hello"), undefined);
    assert(askBlocked(busy, "hello"));
    assert.equal(askBlocked(busy, "@Quiet hello"), undefined);
    assert(askBlocked({ ...snapshot, members: members.slice(2) }, "hello"));
    assert(askBlocked({ ...snapshot, engine: { state: { type: "noModel" }, actions: [] } }, "hello"));
  });
});

describe("the room's state", () => {
  it("gives each answer its own text and progress", () => {
    const answers = message("streaming").answers;
    assert.match(answers[1]?.turn?.answer ?? "", /^Two tests would break/);
    assert.equal(answers[2]?.turn?.progress?.type, "prefill");
    assert.equal(answers[0]?.turn?.progress, undefined);
  });

  it("asks for a snapshot when text is missing", () => {
    const state = (roomSamples["streaming"] ?? []).reduce(reduceRoom, emptyRoom);
    const delta = { offset: 9999, text: "x", figures: figures(0, 0, 0) };
    assert(reduceRoom(state, { type: "text", message: "m2", agent: "agent-1", delta }).stale);
    assert(reduceRoom(state, { type: "text", message: "m9", agent: "agent-1", delta }).stale);
  });

  it("folds an answer at once and leaves the others alone", () => {
    const before = (roomSamples["streaming"] ?? []).reduce(reduceRoom, emptyRoom);
    const after = fold(before, "m2", "agent-0", true).snapshot?.messages.at(-1)?.answers;
    assert.deepEqual(
      after?.map(({ folded }) => folded),
      [true, false, false, false],
    );
    assert.equal(after?.[1], before.snapshot?.messages.at(-1)?.answers[1]);
  });
});

describe("the answers to a message", () => {
  const commands: RoomCommand[] = [];
  const folds: boolean[] = [];
  const context = {
    formats,
    answers: new Answers(() => {}),
    run: (command: RoomCommand) => commands.push(command),
    fold: (_message: string, _answer: unknown, folded: boolean) => folds.push(folded),
  };
  beforeEach(() => {
    commands.length = 0;
    folds.length = 0;
  });

  it("say how many have finished, then what they took", () => {
    assert.equal(summary(message("streaming"), formats), "1 of 3 finished");
    assert.equal(summary(message("noModel"), formats), "1 answer, 96 tokens, 1.7 s");
  });

  it("say what each is at", () => {
    const states = message("streaming").answers.map((answer) => answerState(answer, formats));
    assert.deepEqual(states, ["done", "answering, 38 tok/s", "reading, about 3 s left", "not asked"]);
    const failures = message("failures").answers.map((answer) => answerState(answer, formats));
    assert.deepEqual(failures, ["failed", "stopped", "waiting, 2 turns ahead"]);
  });

  it("can all be stopped at once while one runs", () => {
    press("Stop All", messageView(message("streaming"), 1, context));
    assert.deepEqual(commands, [{ type: "stopAll" }]);
    assert(!buttons(messageView(message("noModel"), 1, context)).includes("Stop All"));
  });

  it("fold by a button beside their actions that says whether they are open", () => {
    const [answer] = message("noModel").answers;
    assert(answer);
    const view = answerView("m1", answer, context);
    const toggle = nodesOf(view).find(({ tag }) => tag === "button");
    assert.equal(toggle?.props["aria-expanded"], "false");
    assert.match(text(view), /Added “CRLF/);
    toggle?.props.on?.["click"]?.(new Event("click"));
    assert.deepEqual(folds, [false]);
  });

  it("show their first words without marks while they are folded", () => {
    const [finished] = message("streaming").answers;
    assert(finished);
    assert.match(text(answerView("m2", { ...finished, folded: true }, context)), /For callers in parseBlock, yes/);
  });

  it("have the actions that fit what they are at", () => {
    const [finished, running] = message("streaming").answers.map((answer) =>
      buttons(byRole("toolbar", answerView("m2", answer, context))),
    );
    assert.deepEqual(finished, ["Fork here", "Copy answer", "Open Parser reviewer in panel"]);
    assert.deepEqual(running, ["Stop Test writer", "Open Test writer in panel"]);
  });

  it("offer a fork of an agent that is locked", () => {
    const locked = message("streaming").answers.at(-1);
    assert(locked);
    press("Ask a Fork", answerView("m2", locked, context));
    assert.deepEqual(commands, [{ type: "askFork", message: "m2", agent: "agent-3" }]);
  });

  it("fail alone: the others go on", () => {
    const view = messageView(message("failures"), 1, context);
    assert.equal(nodesOf(view).filter(({ props }) => props["role"] === "alert").length, 1);
    assert.equal(view.props["aria-busy"], "true");
  });

  it("show why a cache was refused by an icon that can take the focus", () => {
    const refused = message("failures").answers[1];
    assert(refused);
    const icon = byRole(
      "img",
      nodesOf(answerView("m2", refused, context)).filter(({ tag }) => tag === "ul"),
    );
    assert.equal(icon.props["aria-label"], "Block 12 failed its checksum.");
    assert.equal(icon.props["tabindex"], "0");
  });

  it("are announced by name when their stage changes, without their text", () => {
    const updates = roomSamples["streaming"] ?? [];
    const before = updates.slice(0, 1).reduce(reduceRoom, emptyRoom).snapshot;
    const after = updates.slice(0, 2).reduce(reduceRoom, emptyRoom).snapshot;
    assert(before && after);
    assert.equal(roomAnnouncement(before, after, formats), "Test writer is answering");
    assert.equal(roomAnnouncement(after, after, formats), "");
  });
});

describe("the agents in the room", () => {
  const view = (run: (command: RoomCommand) => void) => chipsView(members, formats, run);

  it("are toggles; a locked one cannot be pressed", () => {
    const commands: RoomCommand[] = [];
    const chips = nodesOf(view((command) => commands.push(command))).filter(({ props }) => "aria-pressed" in props);
    assert.deepEqual(
      chips.map(({ props }) => props["aria-pressed"]),
      ["true", "true", "false", "false"],
    );
    for (const chip of chips) chip.props.on?.["click"]?.(new Event("click"));
    assert.deepEqual(
      commands.map((command) => (command.type === "include" ? [command.agent, command.asked] : [])),
      [
        ["agent-0", false],
        ["agent-1", false],
        ["agent-3", true],
      ],
    );
  });
});
