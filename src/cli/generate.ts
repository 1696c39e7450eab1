import * as path from "node:path";
import type { Attachment } from "../common/attachments";
import { ResidentError } from "../common/errors";
import { type Thinking, thinkingModes } from "../common/thinking";
import { type JsonObject, type ToolMode, type ToolResult, type ToolSpec, toolModes } from "../common/tools";
import type {
  AgentServer,
  AgentSummary,
  GenerationEvent,
  ResidentService,
  Running,
  SamplingOptions,
  UntoldCount,
} from "../protocol/service";
import { answerPrinter, unconstrainedText } from "./answerPrinter";
import { type Arguments, type CommandSpec, parseArguments } from "./arguments";
import { readAttachments } from "./attachedFiles";
import { type Console, consoleLog, printJson } from "./console";
import { samplingOf, samplingOptions } from "./sampling";
import { handKeyOver, serverOf, serverOptions, withEngine } from "./server";
import { commonOptions, modelOptions, withService } from "./session";
import { stoppable } from "./stoppable";
import { readJsonSchema, readTools } from "./toolFiles";
import { readResults } from "./toolResults";

export const generateSpec: CommandSpec = {
  usage:
    "resident generate --prompt TEXT [--agent NAME | --raw] [options], or --agent NAME --continue, or --agent NAME --tool-result CALL=TEXT",
  summary: "answer one prompt, or continue an agent",
  positionals: [],
  options: {
    prompt: { value: "TEXT", help: "the message to answer" },
    ...modelOptions,
    raw: { help: "continue the text as it is, without the model's chat template" },
    agent: { value: "NAME", help: "continue this persistent agent; made when there is none of that name" },
    attach: {
      value: "PATH[:FROM-TO]",
      many: true,
      help: "with --agent: a file, or some of its lines, that stands before the message",
    },
    continue: { help: "with --agent: go on with its last answer where it was cut, instead of a prompt" },
    new: { help: "make a new agent of the name given by --agent, also while another agent cannot be read" },
    thinking: {
      value: "MODE",
      help: "on, off, or kept (with the thoughts of earlier answers), where the template asks (default: the agent's, else the model's)",
    },
    system: { value: "TEXT", help: "system prompt (with --agent: of a new agent)" },
    tools: {
      value: "FILE",
      help: "JSON list of tools that the answer may call (with --agent: kept with it; [] is none)",
    },
    "tool-mode": { value: "MODE", help: `${toolModes.join(", ")}: whether the answer calls tools (default: auto)` },
    "tool-result": {
      value: "CALL=TEXT",
      many: true,
      help: "with --agent: what a call gave, CALL=@FILE from a file, CALL!=TEXT where the tool failed; one for each call",
    },
    "json-schema": { value: "FILE", help: "the answer is JSON that fits this schema, and nothing else" },
    ...serverOptions,
    ...samplingOptions,
    ...commonOptions,
  },
};

/** What is to be answered, read from options and files before anything is loaded. */
interface Asked {
  /** Absent: the agent's last answer goes on, or results are sent. */
  readonly prompt: string | undefined;
  readonly attachments: readonly Attachment[];
  readonly results: readonly ToolResult[];
  readonly tools: readonly ToolSpec[] | undefined;
  readonly toolMode: ToolMode | undefined;
  readonly jsonSchema: JsonObject | boolean | undefined;
  readonly sampling: SamplingOptions;
}

export async function generate(words: readonly string[], console: Console): Promise<void> {
  const args = parseArguments(generateSpec, words);
  checkTogether(args);
  const asked = await askedBy(args);
  const json = args.flag("json");
  await withService(args, consoleLog(console, args.flag("verbose")), async (service) => {
    const running = await start(service, args, asked, console);
    if (!json) running.onEvent(answerPrinter(console));
    const done = await stoppable(
      () => running.abort(),
      () => running.done,
    );
    if (json) printJson(console, answerObject(done));
    else console.err(`\n${figuresLine(done)}`);
    if (done.unconstrained !== undefined && !json) console.err(`[warn] ${unconstrainedText(done.unconstrained)}`);
    if (done.saveError) console.err(`[warn] the answer is not saved: ${done.saveError.what}`);
  });
}

/** Refuses options that contradict each other. */
function checkTogether(args: Arguments): void {
  const has = (name: string) => args.text(name) !== undefined || args.flag(name) || args.texts(name).length > 0;
  const refuseAll = (name: string, others: readonly string[]) => {
    for (const other of others) if (has(name) && has(other)) args.refuse(`--${name} cannot go with --${other}`);
  };
  for (const name of ["attach", "continue", "new", "tool-result"]) {
    if (has(name) && !has("agent")) args.refuse(`--${name} goes with --agent`);
  }
  if (!has("continue") && !has("tool-result")) args.required("prompt");
  const goingOn = ["prompt", "attach", "system", "model", "new", "thinking", "tools"];
  refuseAll("continue", [...goingOn, "tool-result", "tool-mode", "json-schema"]);
  refuseAll("tool-result", goingOn);
  refuseAll("raw", ["agent", "system", "tools", "tool-mode"]);
  refuseAll("json-schema", ["tools", "tool-mode", "tool-result"]);
  if (has("tool-mode") && !has("tools") && !has("agent")) args.refuse("--tool-mode goes with --tools or --agent");
}

async function askedBy(args: Arguments): Promise<Asked> {
  const tools = args.text("tools");
  const schema = args.text("json-schema");
  return {
    prompt: args.text("prompt"),
    sampling: samplingOf(args),
    toolMode: args.choice("tool-mode", toolModes),
    attachments: await readAttachments(args),
    results: await readResults(args),
    tools: tools === undefined ? undefined : await readTools(tools),
    jsonSchema: schema === undefined ? undefined : await readJsonSchema(schema),
  };
}

async function start(service: ResidentService, args: Arguments, asked: Asked, console: Console): Promise<Running> {
  const name = args.text("agent");
  const { prompt, attachments, results, tools, toolMode, jsonSchema, sampling } = asked;
  const mode = toolMode === undefined ? {} : { toolMode };
  const thinking = thinkingOf(args);
  const server = await serverOf(service, args);
  if (name === undefined) {
    const system = args.text("system");
    return service.generate({
      prompt: prompt ?? "",
      sampling,
      ...(server === undefined ? {} : { server }),
      raw: args.flag("raw"),
      ...mode,
      ...(tools === undefined ? {} : { tools }),
      ...(jsonSchema === undefined ? {} : { jsonSchema }),
      ...(thinking === undefined ? {} : { thinking }),
      ...(system === undefined ? {} : { system }),
    });
  }
  if (prompt === undefined) {
    const agent = await service.findAgent(name);
    if (agent === undefined) return args.refuse(`there is no agent '${name}'`);
    await handKeyOver(service, agent);
    if (results.length > 0) return service.sendResults(agent.id, { results, sampling, ...mode });
    return service.continueAnswer(agent.id, sampling);
  }
  const agent = await agentOf(service, args, name, tools, server, console);
  if (thinking !== undefined) await service.setAgentThinking(agent.id, thinking);
  const schema = jsonSchema === undefined ? {} : { jsonSchema };
  const attached = attachments.length === 0 ? {} : { attachments };
  return service.send(agent.id, { text: prompt, ...attached, sampling, ...mode, ...schema });
}

/** The agent of that name, made where there is none, with these tools. */
async function agentOf(
  service: ResidentService,
  args: Arguments,
  name: string,
  tools: readonly ToolSpec[] | undefined,
  server: AgentServer | undefined,
  console: Console,
): Promise<AgentSummary> {
  const model = args.text("model");
  const system = args.text("system");
  const modelDirectory = model === undefined ? undefined : path.resolve(model);
  const isNew = args.flag("new");
  const found = isNew ? undefined : await service.findAgent(name);
  if (found?.damage !== undefined) throw ResidentError.fromInfo(found.damage);
  if (found !== undefined) await handKeyOver(service, found);
  if (found?.server === undefined && found && modelDirectory !== undefined && modelDirectory !== found.modelDirectory) {
    args.refuse(`'${name}' was made with the model in ${found.modelDirectory}: leave --model out`);
  }
  const known = found && (await withEngine(service, found, server, modelDirectory));
  if (known === undefined) {
    return service.createAgent({
      name,
      ...(server === undefined ? {} : { server }),
      ...(isNew ? { allowUnreadable: true } : {}),
      ...(system === undefined ? {} : { system }),
      ...(modelDirectory === undefined ? {} : { modelDirectory }),
      ...(tools === undefined ? {} : { tools }),
    });
  }
  if (tools === undefined) return known;
  const changed = await service.setAgentTools(known.id, tools);
  const isSame = JSON.stringify(changed.tools ?? []) === JSON.stringify(known.tools ?? []);
  if (!isSame && known.turnCount > 0) {
    console.err(`[info] '${name}' has other tools now: its instructions and its conversation are read again`);
  }
  return changed;
}

function thinkingOf(args: Arguments): Thinking | undefined {
  return args.choice("thinking", thinkingModes);
}

type Done = Extract<GenerationEvent, { type: "done" }>;

/** The object that scripts read; its fields are promised in src/README.md. */
function answerObject({ text, thought, calls, dropped, unconstrained, tokenIds, finishReason, figures }: Done) {
  const { promptTokens, reusedTokens, prefilledTokens, generatedTokens, guessedTokens, recomputedTokens } = figures;
  const { ttftMs, restoreMs, decodeTokensPerSecond, cache } = figures;
  return {
    text,
    ...(thought === undefined ? {} : { thought }),
    ...(calls === undefined ? {} : { toolCalls: calls }),
    ...(dropped === undefined ? {} : { droppedCall: dropped }),
    ...(unconstrained === undefined ? {} : { unconstrained }),
    tokenIds,
    finishReason,
    promptTokens,
    reusedTokens,
    prefilledTokens,
    generatedTokens,
    ...(guessedTokens === undefined ? {} : { guessedTokens }),
    ...(recomputedTokens === undefined ? {} : { recomputedTokens }),
    ttftMs,
    restoreMs,
    decodeTokensPerSecond,
    ...(figures.thinking && { thinking: figures.thinking }),
    cache,
    ...(figures.by === undefined ? {} : { by: figures.by }),
    ...(figures.untold === undefined ? {} : { untold: figures.untold }),
  };
}

function figuresLine({ figures, finishReason }: Done): string {
  const refused = figures.cache.refused;
  const told = (count: UntoldCount) => figures.untold?.includes(count) !== true;
  const parts = [
    ...(told("reused") ? [`${figures.reusedTokens} reused`] : []),
    ...(told("prompt") ? [`${figures.prefilledTokens} prefilled`] : []),
    ...(told("generated") ? [`${figures.generatedTokens} generated`] : []),
    ...(figures.guessedTokens === undefined ? [] : [`${figures.guessedTokens} of them guessed`]),
    ...(figures.thinking === undefined ? [] : [`${figures.thinking.tokens} of them thought`]),
    ...(figures.recomputedTokens === undefined ? [] : [`${figures.recomputedTokens} read again`]),
    `TTFT ${Math.round(figures.ttftMs)} ms`,
    ...(told("generated") ? [`${figures.decodeTokensPerSecond.toFixed(1)} tok/s`] : []),
    figures.by === "server" ? "by the server" : figures.cache.tier,
    finishReason,
  ];
  const line = `[${parts.join(" · ")}]`;
  return refused ? `${line}\n[warn] cache refused after ${refused.atToken} tokens: ${refused.reason}` : line;
}
