import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import Ajv2020 from "ajv/dist/2020";
import { silentLog } from "../../src/common/log";
import type { ToolSpec } from "../../src/common/tools";
import type { ResidentService } from "../../src/protocol/service";
import { createResidentService } from "../../src/service/residentService";
import { runCli } from "../support/agents/cli";
import { nativeStage } from "../support/native/coreThread";

const numCalls = Number(process.env["RESIDENT_CALLS"] ?? 1000);
const together = 16;

const text = { type: "string" };

/** As agents have them: few, with few arguments, some of them typed closely. */
const tools: readonly ToolSpec[] = [
  {
    name: "read_file",
    description: "Reads lines of a file.",
    parameters: {
      type: "object",
      properties: { path: text, from: { type: "integer", minimum: 1 }, to: { type: "integer", maximum: 9999 } },
      required: ["path"],
    },
  },
  {
    name: "search",
    description: "Finds a text in all files.",
    parameters: {
      type: "object",
      properties: {
        query: text,
        mode: { enum: ["text", "regex"] },
        limit: { type: "integer", minimum: 1, maximum: 100 },
      },
      required: ["query", "mode"],
    },
  },
  {
    name: "edit_file",
    description: "Replaces texts in a file.",
    parameters: {
      type: "object",
      properties: {
        path: text,
        edits: {
          type: "array",
          minItems: 1,
          maxItems: 2,
          items: { type: "object", properties: { old: text, new: text }, required: ["old", "new"] },
        },
      },
      required: ["path", "edits"],
    },
  },
  {
    name: "run",
    description: "Runs a command.",
    parameters: {
      type: "object",
      properties: {
        command: { type: "string", minLength: 1 },
        timeout: { type: "number", exclusiveMinimum: 0, maximum: 600 },
        env: { type: "object", additionalProperties: { type: "string", maxLength: 10 } },
        background: { type: "boolean" },
      },
      required: ["command"],
    },
  },
  { name: "list_tasks", description: "Lists the open tasks." },
];

const tasks = [
  "Open src/main.ts at line 40.",
  "Where is the word 'timeout' used?",
  "Rename foo to bar in lib/util.js.",
  "Run the tests, at most a minute.",
  "What is left to do?",
  "Tell me a story about a fox.",
  'Find all "TODO" with \\d+ behind it.',
  "Start the server with PORT=8080.",
];

describe("Calls of a real model, sampled at temperature 1", () => {
  let folder = "";
  let service: ResidentService;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "resident calls "));
    const { stdout: file } = await promisify(execFile)(process.execPath, ["test/models/fetch.mjs", "qwen"]);
    const home = path.join(folder, "home");
    const defaultModel = path.join(folder, "qwen");
    const imported = await runCli(["models", "import", file.trim(), "--to", defaultModel, "--home", home]);
    assert.equal(imported.code, 0, imported.stderr.slice(-2000));
    service = createResidentService(
      {
        ...{ home, defaultModel, starterModel: path.join(folder, "none"), nativeStage, modelFolders: [] },
        ...{ blockTokens: 64, poolBytes: 512 * 2 ** 20, storeQuotaBytes: 2 ** 30 },
      },
      silentLog,
    );
  });
  after(async () => {
    await service.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  it(`${numCalls} of them are all parsed, of declared tools, and fit their schemas`, async function () {
    this.timeout(45 * 60_000);
    const ajv = new Ajv2020({ strict: false });
    const validators = new Map(tools.map(({ name, parameters }) => [name, ajv.compile({ ...parameters })]));
    const counts = { calls: 0, answers: 0, cut: 0, tokens: 0 };
    const from = performance.now();

    async function ask(): Promise<void> {
      while (counts.calls < numCalls) {
        const seed = counts.answers++;
        const done = await service.generate({
          prompt: tasks[seed % tasks.length] ?? "",
          tools,
          toolMode: "required",
          sampling: { temperature: 1, topP: 1, topK: 0, minP: 0, seed, maxTokens: 300 },
        }).done;
        const { calls = [], dropped, finishReason, tokenIds, text: said } = done;
        counts.tokens += tokenIds.length;
        const where = `seed ${seed}: ${JSON.stringify({ calls, dropped, said })}`;
        // Nothing bounds how many variables a command has, nor how many calls an answer: some do not come to their end.
        if (finishReason === "length") counts.cut += 1;
        else assert.ok(calls.length > 0, where);
        assert.ok(dropped === undefined || (dropped.reason === "cut" && finishReason === "length"), where);
        assert.doesNotMatch(said, /tool_call/, where);
        for (const call of calls) {
          counts.calls += 1;
          const fits = validators.get(call.name);
          assert.ok(fits?.(call.arguments), `${where}: ${ajv.errorsText(fits?.errors)}`);
        }
      }
    }

    await Promise.all(Array.from({ length: together }, ask));
    const seconds = (performance.now() - from) / 1000;
    console.log(
      `${counts.calls} calls in ${counts.answers} answers, ${counts.cut} of them cut, ${counts.tokens} tokens in ${seconds.toFixed(0)} s`,
    );
    assert.ok(counts.cut <= counts.answers / 5, `${counts.cut} answers were cut`);
  });
});
