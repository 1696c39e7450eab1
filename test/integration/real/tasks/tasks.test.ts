/**
 * A real model of 0.5 billion parameters works on small tasks, with VS Code's files, terminals and problems. How many it does is
 * said, not asserted: asserted is what must hold whatever a model says. RESIDENT_TASK_SEEDS=1,2 samples each task again.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import { builtInSpecs } from "../../../../src/acting/builtInTools";
import type { TurnResult } from "../../../../src/extension/agents/agentCommands";
import { commands } from "../../../../src/extension/contributions";
import { readTextFiles } from "../../../../src/models/modelDirectory";
import type { AgentSummary, TurnView } from "../../../../src/protocol/service";
import { createTextModel, type TextModel } from "../../../../src/text/textModel";
import { changedPaths, type Task } from "../../../support/acting/tasks/task";
import { tasks } from "../../../support/acting/tasks/tasks";
import { newAgent, run } from "../../support";
import { report, rowOf, type TaskRow } from "./report";
import { assertCalls, assertRounds } from "./rounds";
import { TaskFolder } from "./taskFolder";

interface Waiting {
  readonly agent: string;
  readonly call: string;
  readonly kind: string;
  readonly question: string;
}

/** What the person lets it run. */
const allowed = new Set(["node check.mjs", "node area.check.mjs", "ls"].map((command) => `Run ${command}`));

const seeds = (process.env["RESIDENT_TASK_SEEDS"] ?? "").split(",").filter((seed) => seed !== "");
const limitMs = 300_000;
/** As a person gives a small model: all that look, change and run. It asks and hands out in place of working otherwise. */
const seven = builtInSpecs.map(({ name }) => name).filter((name) => name !== "ask_user" && name !== "delegate");
const toolSets: readonly TaskRow["tools"][] = ["seven", "needed"];

/** Its first call, of all that it made. */
function beganWell({ firstCall: [tool, args] }: Task, steps: readonly TurnView[]): boolean {
  const [first] = steps.flatMap(({ calls = [] }) => calls);
  return first !== undefined && first.name === tool && args.test(JSON.stringify(first.arguments));
}

describe("a real model that acts in the workspace", function () {
  this.timeout(limitMs);

  const rows: TaskRow[] = [];
  let folder: TaskFolder;
  let outside: string;
  let model: string;
  let text: TextModel;
  let rounds = 0;

  before(async () => {
    const root = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
    assert.notEqual(root, "");
    folder = new TaskFolder(root);
    outside = path.join(path.dirname(root), "outside");
    mkdirSync(outside);
    writeFileSync(path.join(outside, "kept.txt"), "nobody changes this\n");
    const models = path.join(process.env["RESIDENT_HOME"] ?? "", "models");
    model = path.join(models, readdirSync(models).find((name) => name.includes("qwen")) ?? "");
    text = createTextModel(await readTextFiles(model));
  });

  after(() => {
    folder.dispose();
    report(rows, path.join(__dirname, "..", "..", "..", "..", "results"));
  });

  const listOutside = () =>
    [path.dirname(outside), outside]
      .map((place) => readdirSync(place).sort().join(" "))
      .concat(
        readFileSync(path.join(outside, "kept.txt"), "utf8"),
        String(statSync(path.join(outside, "kept.txt")).mtimeMs),
      );

  /** A person who accepts changes, and lets it run what the tasks need and nothing else. */
  async function attend(agent: string): Promise<void> {
    for (const waiting of await run<readonly Waiting[]>(commands.reviewWaiting, { list: true })) {
      if (waiting.agent !== agent) continue;
      const { call, kind, question } = waiting;
      const way = kind === "write" || (kind === "run" && allowed.has(question)) ? "allow" : "deny";
      // It may be over meanwhile.
      await run(commands.reviewWaiting, { agent, call, way }).catch(() => {});
    }
  }

  async function work(task: Task, tools: TaskRow["tools"], seed?: number): Promise<void> {
    await folder.fill(task);
    const before = listOutside();
    const { id } = await newAgent(`${task.name} ${tools} ${seed ?? "greedy"}`, { model });
    await run<AgentSummary>(commands.chooseTools, {
      agent: id,
      tools: tools === "seven" ? seven : task.tools,
    });
    const sampling = seed === undefined ? { temperature: 0 } : { temperature: 0.7, seed };
    await run(commands.agentSampling, { agent: id, sampling: { ...sampling, maxTokens: 400 } });
    const startedAt = performance.now();
    let isOver = false;
    const turn = run<TurnResult>(commands.askAgent, { agent: id, text: task.message, background: true, toEnd: true });
    turn
      .catch(() => {})
      .finally(() => {
        isOver = true;
      });
    while (!isOver) {
      await attend(id);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { steps, text: answer, stopped } = await turn;
    const seconds = (performance.now() - startedAt) / 1000;
    const end = { answer, files: folder.files(), exitCode: (command: string) => folder.exitCode(command) };
    const isDone = await task.isDone(end);
    const about = {
      task: task.name,
      tools,
      isHeldOut: task.isHeldOut,
      isDone,
      beganWell: beganWell(task, steps),
      seconds,
    };
    rows.push(
      rowOf(
        { ...about, ...(seed === undefined ? {} : { seed }), ...(stopped === undefined ? {} : { stopped }) },
        steps,
      ),
    );
    const last = steps.at(-1);
    assert.equal(last?.state, "done", "the turn ended");
    assert.ok(last.finishReason !== "calls" || stopped !== undefined, "no call waits without a reason");
    assertCalls(steps);
    rounds += assertRounds(steps, text);
    assert.deepEqual(listOutside(), before, "nothing outside of the folder was touched");
    assert.ok(changedPaths(task, end).every((changed) => !changed.startsWith("..")));
  }

  for (const tools of toolSets) {
    for (const task of tasks) {
      const name = `with ${tools === "seven" ? "seven tools" : task.tools.join(" and ")}, ${task.name}`;
      it(`${name}: ${task.message}`, () => work(task, tools));
      for (const seed of seeds) it(`${name}, seed ${seed}`, () => work(task, tools, Number(seed)));
    }
  }

  it("went through rounds, each of which read its results and the frame around them only", () => {
    assert.equal(rows.length, toolSets.length * tasks.length * (1 + seeds.length));
    assert.ok(rounds > 0);
    assert.ok(vscode.extensions.getExtension("resident.resident")?.isActive);
  });
});
