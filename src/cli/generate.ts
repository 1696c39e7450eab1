import * as path from "node:path";
import { ResidentError } from "../common/errors";
import { type Thinking, thinkingModes } from "../common/thinking";
import type { GenerationEvent, ResidentService, Running, SamplingOptions, UntoldCount } from "../protocol/service";
import { answerPrinter } from "./answerPrinter";
import { type Arguments, type CommandSpec, parseArguments } from "./arguments";
import { type Console, consoleLog, printJson } from "./console";
import { samplingOf, samplingOptions } from "./sampling";
import { handKeyOver, serverOf, serverOptions, withEngine } from "./server";
import { commonOptions, modelOptions, withService } from "./session";
import { stoppable } from "./stoppable";

export const generateSpec: CommandSpec = {
  usage: "resident generate --prompt TEXT [--agent NAME | --raw] [options], or --agent NAME --continue",
  summary: "answer one prompt, or continue an agent",
  positionals: [],
  options: {
    prompt: { value: "TEXT", help: "the message to answer" },
    ...modelOptions,
    raw: { help: "continue the text as it is, without the model's chat template" },
    agent: { value: "NAME", help: "continue this persistent agent; made when there is none of that name" },
    continue: { help: "with --agent: go on with its last answer where it was cut, instead of a prompt" },
    new: { help: "make a new agent of the name given by --agent, also while another agent cannot be read" },
    thinking: {
      value: "MODE",
      help: "on, off, or kept (with the thoughts of earlier answers), where the template asks (default: the agent's, else the model's)",
    },
    system: { value: "TEXT", help: "system prompt (with --agent: of a new agent)" },
    ...serverOptions,
    ...samplingOptions,
    ...commonOptions,
  },
};

export async function generate(words: readonly string[], console: Console): Promise<void> {
  const args = parseArguments(generateSpec, words);
  const prompt = args.flag("continue") ? undefined : args.required("prompt");
  if (prompt === undefined) refuseBesideContinue(args);
  if (args.flag("raw") && args.text("agent") !== undefined) args.refuse("--raw cannot go with --agent");
  if (args.flag("raw") && args.text("system") !== undefined) args.refuse("--raw cannot go with --system");
  if (args.flag("new") && args.text("agent") === undefined) args.refuse("--new goes with --agent");
  const sampling = samplingOf(args);
  const json = args.flag("json");
  await withService(args, consoleLog(console, args.flag("verbose")), async (service) => {
    const running = await start(service, args, prompt, sampling);
    if (!json) running.onEvent(answerPrinter(console));
    const done = await stoppable(
      () => running.abort(),
      () => running.done,
    );
    if (json) printJson(console, answerObject(done));
    else console.err(`\n${figuresLine(done)}`);
    if (done.saveError) console.err(`[warn] the answer is not saved: ${done.saveError.what}`);
  });
}

function refuseBesideContinue(args: Arguments): void {
  if (args.text("agent") === undefined) args.refuse("--continue goes with --agent");
  for (const name of ["prompt", "system", "model"]) {
    if (args.text(name) !== undefined) args.refuse(`--continue cannot go with --${name}`);
  }
  if (args.flag("new")) args.refuse("--continue cannot go with --new");
  if (args.text("thinking") !== undefined) args.refuse("--continue cannot go with --thinking");
}

/** `prompt` is absent where the agent's last answer goes on. */
async function start(
  service: ResidentService,
  args: Arguments,
  prompt: string | undefined,
  sampling: SamplingOptions,
): Promise<Running> {
  const name = args.text("agent");
  if (prompt === undefined) return goOn(service, args, name ?? "", sampling);
  const system = args.text("system");
  const thinking = thinkingOf(args);
  const server = await serverOf(service, args);
  if (name === undefined) {
    return service.generate({
      prompt,
      sampling,
      ...(server === undefined ? {} : { server }),
      raw: args.flag("raw"),
      ...(thinking === undefined ? {} : { thinking }),
      ...(system === undefined ? {} : { system }),
    });
  }
  const model = args.text("model");
  const modelDirectory = model === undefined ? undefined : path.resolve(model);
  const isNew = args.flag("new");
  const found = isNew ? undefined : await service.findAgent(name);
  if (found?.damage !== undefined) throw ResidentError.fromInfo(found.damage);
  if (found !== undefined) await handKeyOver(service, found);
  if (found?.server === undefined && found && modelDirectory !== undefined && modelDirectory !== found.modelDirectory) {
    args.refuse(`'${name}' was made with the model in ${found.modelDirectory}: leave --model out`);
  }
  const agent =
    (found && (await withEngine(service, found, server, modelDirectory))) ??
    (await service.createAgent({
      name,
      ...(server === undefined ? {} : { server }),
      ...(isNew ? { allowUnreadable: true } : {}),
      ...(system === undefined ? {} : { system }),
      ...(modelDirectory === undefined ? {} : { modelDirectory }),
    }));
  if (thinking !== undefined) await service.setAgentThinking(agent.id, thinking);
  return service.send(agent.id, { text: prompt, sampling });
}

function thinkingOf(args: Arguments): Thinking | undefined {
  return args.choice("thinking", thinkingModes);
}

async function goOn(service: ResidentService, args: Arguments, name: string, sampling: SamplingOptions) {
  const agent = await service.findAgent(name);
  if (agent === undefined) return args.refuse(`there is no agent '${name}'`);
  await handKeyOver(service, agent);
  return service.continueAnswer(agent.id, sampling);
}

type Done = Extract<GenerationEvent, { type: "done" }>;

/** The object that scripts read; its fields are promised in src/README.md. */
function answerObject({ text, thought, tokenIds, finishReason, figures }: Done) {
  const { promptTokens, reusedTokens, prefilledTokens, generatedTokens, recomputedTokens } = figures;
  const { ttftMs, restoreMs, decodeTokensPerSecond, cache } = figures;
  return {
    text,
    ...(thought === undefined ? {} : { thought }),
    tokenIds,
    finishReason,
    promptTokens,
    reusedTokens,
    prefilledTokens,
    generatedTokens,
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
