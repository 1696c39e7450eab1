import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import { hiddenCharacters } from "../../../src/common/hiddenCharacters";
import type { LiveCall } from "../../../src/protocol/acting";
import type { ChatCommand } from "../../../src/protocol/chat";
import type { PageTurn } from "../../../src/protocol/page";
import { resultTexts } from "../../../src/protocol/toolNames";
import type { GivenResults, ShownTurn } from "../../../src/webview/chat/shownTurns";
import { ShownTurns } from "../../../src/webview/chat/shownTurns";
import { type TurnPlace, turnView } from "../../../src/webview/chat/turn";
import { Answers } from "../../../src/webview/shared/answers";
import { callState } from "../../../src/webview/shared/calls";
import { KeptTrees } from "../../../src/webview/shared/kept";
import { childrenOf, type TreeNode, textOf } from "../../../src/webview/shared/tree";
import { figures } from "../../support/webview/samples/agents";
import {
  dropped,
  hostileSteps,
  stepRunning,
  steps,
  stepsWaiting,
  stepsWentOn,
} from "../../support/webview/samples/steps";
import { buttons, nodesOf, press, text } from "../../support/webview/trees";

const formats = createFormats("en");

function viewer() {
  const commands: ChatCommand[] = [];
  const edited: string[] = [];
  const folds: boolean[] = [];
  const run = (command: ChatCommand) => commands.push(command);
  const context = { formats, answers: new Answers(() => {}), kept: new KeptTrees(), run, done: () => undefined };
  const shown = new ShownTurns();
  /** The last turn of the branch. */
  const show = (nodes: readonly PageTurn[], place: Partial<TurnPlace> = {}, at = -1): TreeNode => {
    const turn = shown.of(nodes).at(at);
    assert(turn);
    const edit = () => edited.push(turn.id);
    const showSteps = (isOpen: boolean) => folds.push(isOpen);
    return turnView(turn, { number: 1, isHead: true, fixed: false, ...place }, { ...context, edit, showSteps });
  };
  return { commands, edited, folds, show };
}

const groups = (node: TreeNode, role = "group") => nodesOf(node).filter(({ props }) => props["role"] === role);
/** Those of the message, the steps and the turn; code blocks have their own. */
const actions = (node: TreeNode) =>
  groups(node, "toolbar").filter(({ props }) => props["aria-label"] !== "Code actions");
const labels = (nodes: readonly TreeNode[]) => nodes.map(({ props }) => props["aria-label"]);
const states = (node: TreeNode) =>
  nodesOf(node)
    .filter(({ props }) => props.class?.includes("call-state"))
    .map((one) => text(one));

describe("a turn with steps in the chat", () => {
  it("shows its message once, and each step in its place with its calls and its own figures", () => {
    const node = viewer().show(steps);
    assert.equal(nodesOf(node).filter(({ props }) => props.class === "ask").length, 1);
    const parts = groups(node).filter(({ props }) => props.class === "step");
    assert.deepEqual(labels(parts), ["Step 1 of 3", "Step 2 of 3", "Step 3 of 3"]);
    assert.match(
      text(parts[0] ?? ""),
      /I look for its callers first\..*Search.*recoverTo\( in src.*Read.*src\/parser\/recover\.ts 80–160.*1,842 reused/s,
    );
    assert.match(text(parts[1] ?? ""), /List.*test\/parser.*failed: ENOENT.*1,976 reused/s);
    assert.deepEqual(states(node), [
      "done",
      "done",
      "failed: ENOENT: no such file or directory, scandir 'test/parser'",
    ]);
  });

  it("has the figures and actions of a step where its last call opens to, and no line for them", () => {
    const node = viewer().show(steps);
    const feet = nodesOf(node).filter(({ props }) => props.class?.includes("small-foot"));
    const calls = nodesOf(node).filter(({ props }) => props.class === "call");
    const inCalls = calls.map((one) => nodesOf(childrenOf(one)).find((inner) => feet.includes(inner)));
    assert.deepEqual(inCalls, [undefined, feet[0], feet[1]]);
    assert.match(text(feet[1] ?? ""), /^1,976 reused1,204 prefilled41 generatedTTFT 2.3 s61 tok\/s/);
    assert.equal(feet.length, 3, "the last step, which made no call, has its own");
  });

  it("has the figures of a step that waits in the fold of its call, and those of a lone one below it", () => {
    const { show } = viewer();
    const feet = (nodes: readonly PageTurn[]) =>
      nodesOf(show(nodes)).filter(({ props }) => props["aria-label"] === "Step figures").length;
    assert.equal(feet(stepsWaiting), 3);
    assert.equal(feet(stepsWaiting.slice(0, 1)), 0);
    const calling = stepsWaiting.at(-1);
    assert(calling);
    const cut = show([...stepsWaiting.slice(0, 2), { ...calling, state: "failed" }]);
    const buttonsOutside = nodesOf(cut)
      .filter(({ props }) => props.class === "foot")
      .map((foot) => text(foot));
    assert.deepEqual(buttonsOutside, ["Continue"], "what can be done stands below, not in the fold");
  });

  it("shows the figures of all steps in sum", () => {
    const node = viewer().show(steps);
    const sum = nodesOf(node).find(({ props }) => props["aria-label"] === "Turn figures");
    assert.deepEqual(
      nodesOf(sum)
        .filter(({ type }) => type === "li")
        .map((item) => text(item)),
      [
        ...["3 steps", "7,039 reused", "1,279 prefilled", "225 generated", "TTFT 84 ms", "60 tok/s"],
        "restored from disk",
      ],
    );
    const ofSteps = nodesOf(node).filter(({ props }) => props["aria-label"] === "Step figures");
    assert.equal(ofSteps.length, 3);
    assert(!ofSteps.some((one) => text(one).includes("from memory")), "the source is told in sum");
  });

  it("forks, rewinds, regenerates and copies at each step, and at the turn's end at its last one", () => {
    const { show, commands } = viewer();
    const node = show(steps, { isHead: false });
    const toolbars = actions(node);
    assert.deepEqual(labels(toolbars), ["Message actions", "Step actions", "Step actions", "Turn actions"]);
    for (const toolbar of toolbars.slice(1)) for (const name of buttons(toolbar)) press(name, toolbar);
    const about = commands.map((command) => `${command.type} ${"turn" in command ? command.turn : ""}`);
    assert.deepEqual(
      about,
      ["s1", "s2", "s3"].flatMap((id) => [`fork ${id}`, `rewind ${id}`, `regenerate ${id}`, "copy "]),
    );
  });

  it("edits the message of its first step", () => {
    const { show, edited } = viewer();
    press("Edit message", show(steps));
    assert.deepEqual(edited, ["s1"]);
  });

  it("can be rewound to a step in its middle, but not to the head", () => {
    const toolbars = actions(viewer().show(steps));
    const canRewind = toolbars.slice(1).map((toolbar) => {
      const rewind = nodesOf(toolbar).find(({ props }) => props["aria-label"] === "Rewind to here");
      return rewind?.props["disabled"] === false;
    });
    assert.deepEqual(canRewind, [true, true, false]);
  });

  it("says that it waits for results, and that a message goes on without them, only at the head", () => {
    const { show } = viewer();
    const node = show(stepsWaiting);
    assert.equal(node.props["aria-label"], "Turn 1, waits for results");
    assert.match(text(node), /Waits for the results of 2 calls\. A message goes on without them\.$/);
    assert.deepEqual(states(node).slice(-2), ["waits for a result", "waits for a result"]);
    const readOnly = show(stepsWaiting, { fixed: true });
    assert.match(text(readOnly), /Waits for the results of 2 calls\.$/);
    const [only] = stepsWaiting.slice(0, 1);
    assert(only);
    const one = show([{ ...only, calls: only.calls?.slice(0, 1) ?? [] }]);
    assert.match(text(one), /Waits for the result of its call\./);
  });

  it("shows calls that a message came instead of as not run", () => {
    const { show } = viewer();
    const before = show(stepsWentOn, { isHead: false }, 0);
    assert.deepEqual(
      states(before).map((state) => state.split(":")[0]),
      ["done", "done", "failed", "not run", "not run"],
    );
    assert.doesNotMatch(text(before), /Waits/);
    assert.equal(before.props["aria-label"], "Turn 1");
    const after = show(stepsWentOn, { number: 2 });
    assert.match(text(after), /^Leave the test\./);
    assert.deepEqual(states(after), []);
  });

  it("asks for more of a long result of the step that has it, and opens it in an editor", () => {
    const { show, commands } = viewer();
    const node = show(steps);
    press("Show all of the result of read_file, call 2", node);
    press("Open in editor: the result of read_file, call 2", node);
    press("Copy the result of search, call 1", node);
    assert.deepEqual(commands.slice(0, 2), [
      { type: "showResult", turn: "s2", call: "c2" },
      { type: "openResult", turn: "s2", call: "c2" },
    ]);
    assert.equal(commands[2]?.type, "copy");
    assert.match(text(node), /the first 4,000 of 6,240 characters/);
    assert(!buttons(node).includes("Copy the result of read_file, call 2"), "a copy would be a part of it");
    const [first, second, third] = steps;
    assert(first && second && third);
    const results = (second.results ?? []).map((one) => ({ ...one, text: "x".repeat(200_000), length: 10_485_760 }));
    const huge = show([first, { ...second, results }, third]);
    assert(!buttons(huge).some((name) => name.startsWith("Show all")), "a page shows no more of it");
    assert(buttons(huge).includes("Open in editor: the result of read_file, call 2"));
  });

  it("tells why a call was not made, and what was written", () => {
    const { show } = viewer();
    const told = [0, 1].map((at) => text(show(dropped, { isHead: false }, at)));
    assert.match(told[0] ?? "", /Not called: the answer ended inside it.*"content": "it\(/s);
    assert.match(told[1] ?? "", /Not called: there is no such tool.*Not called: its arguments cannot be read/s);
  });

  it("keeps the tree of a step of which nothing changed, while the last one runs", () => {
    const { show } = viewer();
    const trees = (nodes: readonly PageTurn[]) => groups(show(nodes)).filter(({ props }) => props.class === "step");
    const [first, second, third] = trees(stepRunning);
    const last = stepRunning.at(-1);
    assert(last);
    const later = trees([...stepRunning.slice(0, 2), { ...last, answer: "There", figures: figures(1, 1, 1) }]);
    assert.equal(later[0], first);
    assert.equal(later[1], second);
    assert.notEqual(later[2], third);
  });

  it("shows the progress of a further step, its text and its calls", () => {
    const { show } = viewer();
    const last = stepRunning.at(-1);
    assert(last);
    const reading = show(stepRunning);
    assert.equal(reading.props["aria-label"], "Turn 1, reading");
    assert.equal(reading.props["aria-busy"], "true");
    const calling = show([...stepRunning.slice(0, 2), { ...last, calls: [{ id: "c9", name: "look", arguments: {} }] }]);
    assert.equal(calling.props["aria-label"], "Turn 1, answering");
    assert.deepEqual(states(calling).slice(-1), ["called"]);
    assert(buttons(calling).includes("StopEsc"));
    assert(!nodesOf(calling).some(({ props }) => props["aria-label"] === "Turn figures"));
  });

  it("can be continued where a step was cut behind a call", () => {
    const { show, commands } = viewer();
    const [first] = dropped;
    assert(first);
    press("Continue", show([{ ...first, answer: "" }]));
    assert.deepEqual(commands, [{ type: "continue" }]);
  });

  it("shows names, arguments and results of any kind harmlessly", () => {
    const node = viewer().show(hostileSteps);
    const shown = nodesOf(node);
    const said = shown.flatMap((one) => childrenOf(one).filter((child) => typeof child === "string")).join("");
    assert.deepEqual(hiddenCharacters(said), []);
    assert(!shown.some(({ type }) => type === "img" || type === "script"));
    assert(shown.length < 3000, `${shown.length} elements`);
  });
});

describe("a call in a line", () => {
  it("has a state that follows from its results, and from where it stands", () => {
    const call = { id: "c1", name: "n", arguments: {} };
    const at = { results: undefined, isRunning: false, waits: false };
    const given = (result: Partial<GivenResults["results"][number]>) => [{ call: "c1", text: "x", ...result }];
    assert.equal(callState(call, { ...at, isRunning: true }), "said");
    assert.equal(callState(call, { ...at, waits: true }), "waits");
    assert.equal(callState(call, at), "none");
    assert.equal(callState(call, { ...at, results: given({}) }), "result");
    assert.equal(callState(call, { ...at, results: given({ failed: true }) }), "failed");
    const state = (text: string) => callState(call, { ...at, results: given({ failed: true, text }) });
    assert.equal(state("This was not run."), "not run");
    assert.equal(state(`${resultTexts.denied} Ask first.`), "denied");
    assert.equal(state(resultTexts.stopped), "stopped");
    const live = (state: LiveCall["state"]) => [{ call: "c1", kind: "run", state } as const];
    assert.equal(callState(call, { ...at, waits: true, live: live("waiting") }), "waiting");
    assert.equal(callState(call, { ...at, results: given({}), live: live("done") }), "result");
    assert.equal(callState(call, { ...at, results: given({ call: "c2" }), waits: true }), "waits");
  });
});

describe("the turns of a branch", () => {
  it("stay the same objects where nothing of them changed", () => {
    const shown = new ShownTurns();
    const before = shown.of(stepsWentOn);
    assert.equal(shown.of(stepsWentOn), before);
    const last = stepsWentOn.at(-1);
    assert(last);
    const ids = (turns: readonly ShownTurn[]) => turns.map(({ steps: of }) => of.length);
    const after = shown.of([...stepsWentOn.slice(0, -1), { ...last, answer: "more" }]);
    assert.deepEqual(ids(after), [3, 1]);
    assert.equal(after[0], before[0]);
    assert.notEqual(after[1], before[1]);
    assert.equal(textOf(before[1]?.steps[0].answer ?? ""), "In `parseInterface`, line 12.");
  });
});
