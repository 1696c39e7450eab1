import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import type { Problem } from "../../../src/protocol/page";
import type { RoomAnswer, RoomCommand, RoomMember, RoomMessage, RoomSnapshot } from "../../../src/protocol/room";
import type { AgentSummary } from "../../../src/protocol/service";
import { answerView } from "../../../src/webview/room/answer";
import { chipsView } from "../../../src/webview/room/chips";
import {
  answerState,
  askBlocked,
  newestAnswers,
  roomAnnouncement,
  summary,
  targetLabel,
} from "../../../src/webview/room/derived";
import { addressed, aheadOf, mentionOptions, mentionQuery } from "../../../src/webview/room/mention";
import { type MessagePlace, messageView } from "../../../src/webview/room/message";
import { emptyRoom, fold, reduceRoom } from "../../../src/webview/room/state";
import { Answers } from "../../../src/webview/shared/answers";
import { KeptTrees } from "../../../src/webview/shared/kept";
import { agent, figures, onServer, ready } from "../../support/webview/samples/agents";
import { roomSamples } from "../../support/webview/samples/room";
import { buttons, byRole, click, nodesOf, press, text } from "../../support/webview/trees";

const formats = createFormats("en");

function unavailable(code: Problem["error"]["code"]): Problem {
  return { error: { code, what: "the log is damaged", advice: "repair it", facts: {} }, actions: [] };
}

const members: readonly RoomMember[] = [
  { agent: agent(0, "Test"), asked: true },
  { agent: agent(1, "Test writer"), asked: true },
  { agent: agent(2, "Locked", { lockedElsewhere: true }), asked: true, unavailable: unavailable("AGENT_LOCKED") },
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
    for (const draft of ["", "  ", "@", "@Tes", "@Test", "@Test ", "@Nobody hello"]) {
      assert.equal(aheadOf(draft, members), undefined, draft);
    }
  });

  it("is an agent that is locked where its name is there, never all in its place", () => {
    assert.deepEqual(addressed("@Locked hello", members), { to: ["agent-2"], text: "hello" });
  });

  it("is shown next to the send button", () => {
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

  it("offers all and every member, with the place of what was typed", () => {
    const names = (query: string) => mentionOptions(query, members).map(({ name, at }) => [name, at]);
    assert.deepEqual(names(""), [
      ["all", -1],
      ["Test", -1],
      ["Test writer", -1],
      ["Locked", -1],
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
    assert(askBlocked({ ...snapshot, members: members.slice(3) }, "hello"));
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

  it("knows what is selected in the editor, also that nothing is any more", () => {
    const selection = { label: "a.ts:3", title: "src/a.ts:3", lines: 1 };
    const selected = reduceRoom({ snapshot, stale: false }, { type: "selection", selection });
    assert.deepEqual(selected.snapshot?.selection, selection);
    assert.deepEqual(reduceRoom(selected, { type: "selection" }).snapshot, snapshot);
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
    kept: new KeptTrees(),
    run: (command: RoomCommand) => commands.push(command),
    fold: (_message: string, _answer: unknown, folded: boolean) => folds.push(folded),
  };
  beforeEach(() => {
    commands.length = 0;
    folds.length = 0;
    context.kept.clear();
  });
  const place = { number: 1, isNewest: true };
  const placeOf = (state: RoomSnapshot): MessagePlace => ({
    number: 1,
    engine: state.engine,
    newestOf: newestAnswers(state.messages).get(state.messages.at(-1)?.id ?? "") ?? new Set(),
  });
  const shown = (name: string) => messageView(message(name), placeOf(sample(name)), context);

  it("say how many have finished, then what they took", () => {
    assert.equal(summary(message("streaming"), formats), "1 of 3 finished, 1 not asked");
    assert.equal(summary(message("noModel"), formats), "1 answer, 96 tokens, 1.7 s");
    assert.equal(summary(message("full"), formats), "1 answer, 2 tokens, 900 ms, 1 failed");
  });

  it("say what each is at", () => {
    const states = message("streaming").answers.map((answer) => answerState(answer, formats));
    assert.deepEqual(states, ["done", "answering, 38 tok/s", "reading, about 3 s left", "not asked"]);
    const failures = message("failures").answers.map((answer) => answerState(answer, formats));
    assert.deepEqual(failures, ["failed", "stopped", "waiting, 2 turns ahead"]);
  });

  it("can all be stopped at once while one runs", () => {
    press("Stop All", shown("streaming"));
    assert.deepEqual(commands, [{ type: "stopAll" }]);
    assert(!buttons(shown("noModel")).includes("Stop All"));
  });

  it("fold by a button next to their actions that says whether they are open", () => {
    const [answer] = message("noModel").answers;
    assert(answer);
    const view = answerView("m1", answer, place, context);
    const toggle = nodesOf(view).find(({ type }) => type === "button");
    assert.equal(toggle?.props["aria-expanded"], "false");
    assert.match(text(view), /Added “CRLF/);
    assert(toggle);
    click(toggle);
    assert.deepEqual(folds, [false]);
  });

  it("show their first words without marks while they are folded", () => {
    const [finished] = message("streaming").answers;
    assert(finished);
    assert.match(
      text(answerView("m2", { ...finished, folded: true }, place, context)),
      /For callers in parseBlock, yes/,
    );
  });

  it("have the actions that fit what they are at", () => {
    const [finished, running] = message("streaming").answers.map((answer) =>
      buttons(byRole("toolbar", answerView("m2", answer, place, context))),
    );
    assert.deepEqual(finished?.slice(1), ["Regenerate", "Fork here", "Copy answer", "Open Parser reviewer in panel"]);
    assert.deepEqual(running?.slice(1), ["Stop Test writer", "Open Test writer in panel"]);
  });

  it("can go on where they were cut, and be made again, only while the agent has not answered a later message", () => {
    const [cut, , empty] = message("stopped").answers;
    assert(cut && empty);
    const offered = (answer: RoomAnswer, isNewest: boolean) =>
      buttons(answerView("m2", answer, { number: 1, isNewest }, context)).filter((name) => /Continue|Regen/.test(name));
    assert.deepEqual(offered(cut, true), ["Regenerate", "Continue"]);
    assert.deepEqual(offered(cut, false), []);
    assert.deepEqual(offered(empty, true), ["Regenerate"], "there is nothing to go on from");
    press("Continue", answerView("m2", cut, place, context));
    press("Regenerate", answerView("m2", cut, place, context));
    assert.deepEqual(commands, [
      { type: "continue", agent: "agent-0", turn: "c1" },
      { type: "regenerate", agent: "agent-0", turn: "c1" },
    ]);
    const newest = newestAnswers([...sample("noModel").messages, ...sample("stopped").messages]);
    assert.deepEqual([[...(newest.get("m1") ?? [])], newest.get("m2")?.size], [[], 3]);
  });

  it("stand together by model under its name, and the loaded one is marked", () => {
    const view = shown("twoModels");
    const headings = nodesOf(view).filter(({ type }) => type === "h3");
    assert.deepEqual(
      headings.map((heading) => text(heading)),
      ["SmolLM2-135M-Instructloaded, 2 answers", "Qwen2.5-Coder-3B1 answer"],
    );
    assert.match(
      text(view),
      /Waiting for the model: 1 turn of SmolLM2-135M-Instruct, then Qwen2\.5-Coder-3B is loaded \(1\.74 GB\)\./,
    );
    assert(
      nodesOf(shown("streaming")).every(({ type }) => type !== "h3"),
      "one model needs no name",
    );
  });

  it("tell of each agent that was not asked why, also where no other was asked", () => {
    const view = shown("notAsked");
    assert.equal(summary(message("notAsked"), formats), "2 not asked");
    assert.deepEqual(
      message("notAsked").answers.map((answer) => answerState(answer, formats)),
      ["not asked", "not asked"],
    );
    assert.match(text(view), /In use in another window.*Ask a Fork/);
    assert.match(text(view), /The turn log of “Old notes” is damaged at record 12\..*Repair Agent/);
    assert.equal(view.props["aria-busy"], undefined);
  });

  it("say which fork was asked in an agent's place, and offer no second one", () => {
    const [locked] = message("notAsked").answers;
    assert(locked);
    const view = answerView("m2", { ...locked, askedFork: "Planner 2" }, place, context);
    assert.match(text(view), /Its fork “Planner 2” was asked in its place/);
    assert(!buttons(view).includes("Ask a Fork"));
    const fork: RoomAnswer = { agent: "agent-9", name: "Planner 2", index: 9, folded: false };
    const asked: RoomMessage = { ...message("notAsked"), to: [locked.agent], answers: [locked, fork] };
    const label = messageView(asked, placeOf(sample("notAsked")), context).props["aria-label"];
    assert.equal(label, "Message 1, to Migration planner", "the message was not for the fork");
  });

  it("have names of their own, also where two messages ask the same agent", () => {
    const [answer] = message("streaming").answers;
    assert(answer);
    const names = [1, 2].map((number) => answerView("m2", answer, { ...place, number }, context).props["aria-label"]);
    assert.deepEqual(names, ["Parser reviewer, answer 1", "Parser reviewer, answer 2"]);
  });

  it("keep their trees while another answer of their message grows", () => {
    const updates = roomSamples["streaming"] ?? [];
    const before = updates.slice(0, 1).reduce(reduceRoom, emptyRoom);
    const after = updates.slice(0, 2).reduce(reduceRoom, emptyRoom);
    const answers = (state: typeof before) => {
      const last = state.snapshot?.messages.at(-1);
      assert(last && state.snapshot);
      return nodesOf(messageView(last, placeOf(state.snapshot), context)).filter(({ props }) => props.class === "ans");
    };
    const old = answers(before);
    const changed = answers(after).map((node, at) => node !== old[at]);
    assert.deepEqual(changed, [false, true, false, false]);
  });

  it("offer a fork of an agent that is locked", () => {
    const locked = message("streaming").answers.at(-1);
    assert(locked);
    press("Ask a Fork", answerView("m2", locked, place, context));
    assert.deepEqual(commands, [{ type: "askFork", message: "m2", agent: "agent-3" }]);
  });

  it("fail alone: the others go on", () => {
    const view = shown("failures");
    assert.equal(nodesOf(view).filter(({ props }) => props["role"] === "alert").length, 1);
    assert.equal(view.props["aria-busy"], "true");
  });

  it("show why a cache was refused by an icon that can take the focus", () => {
    const refused = message("failures").answers[1];
    assert(refused);
    const icon = byRole(
      "img",
      nodesOf(answerView("m2", refused, place, context)).filter(({ type }) => type === "ul"),
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

  it("are toggles, also one that cannot be asked, which says why", () => {
    const commands: RoomCommand[] = [];
    const chips = nodesOf(view((command) => commands.push(command))).filter(({ props }) => "aria-pressed" in props);
    assert.deepEqual(
      chips.map(({ props }) => props["aria-pressed"]),
      ["true", "true", "true", "false"],
    );
    assert.equal(chips[2]?.props["title"], "Locked: in use in another window, messages to all show it as not asked");
    for (const chip of chips) click(chip);
    assert.deepEqual(
      commands.map((command) => (command.type === "include" ? [command.agent, command.asked] : [])),
      [
        ["agent-0", false],
        ["agent-1", false],
        ["agent-2", false],
        ["agent-3", true],
      ],
    );
  });
});

describe("an agent on a server, in the room", () => {
  it("says where it is and how many turns it has, not tokens that were counted elsewhere", () => {
    const titles = (change: Partial<AgentSummary>) => {
      const member = { agent: agent(0, "Ada", { ...onServer, ...change }), asked: true };
      const chip = nodesOf(chipsView([member], formats, () => {})).find(({ props }) => "aria-pressed" in props);
      assert(chip);
      assert(nodesOf(chip).some(({ props }) => String(props.class).includes("mark")));
      assert(!nodesOf(chip).some(({ type }) => type === "i"));
      return chip.props["title"];
    };
    assert.equal(titles({}), "Ada: on studio.local:8000, 4 turns");
    assert.equal(titles({ turnCount: 1 }), "Ada: on studio.local:8000, 1 turn");
    assert.equal(titles({ state: "answering" }), "Ada: on studio.local:8000, answering");
  });
});

describe("an answer that called tools, in the room", () => {
  const [first, second, third, fourth] = message("calls").answers;
  const shown = (answer: RoomAnswer | undefined, isNewest = true) => {
    assert(answer);
    const context = { formats, answers: new Answers(() => {}), kept: new KeptTrees(), run: () => {}, fold: () => {} };
    return answerView("m2", answer, { number: 1, isNewest }, context);
  };

  it("tells its calls in a line each, and that it waits", () => {
    const node = shown(first);
    assert.match(text(node), /waits for 2 results/);
    assert.match(text(node), /Search.*readBlock\(.*waits.*Read/s);
    assert(!nodesOf(node).some(({ type }) => type === "details"));
    assert.match(text(shown(first, false)), /Search.*no result/s);
  });

  it("has its earlier steps in short, and the figures of all of them", () => {
    const said = text(shown(fourth));
    assert.match(said, /I look for its callers.*Search.*done.*Read.*failed.*Two places call it.*2 steps6,924 reused/s);
    assert.equal(summary(message("calls"), formats), "4 answers, 288 tokens, 900 ms");
  });

  it("tells of a call that was not made, and folds to its state where nothing was said", () => {
    assert.match(text(shown(second)), /Not called: the answer ended inside it/);
    assert.match(text(shown(third)), /waits for 2 results$/);
  });
});
