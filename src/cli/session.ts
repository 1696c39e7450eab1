import * as os from "node:os";
import * as path from "node:path";
import { kvDtypes } from "../common/kvDtypes";
import type { Log } from "../common/log";
import type { ResidentService } from "../protocol/service";
import { createResidentService } from "../service/residentService";
import type { Arguments, OptionSpec } from "./arguments";
import { defaultHome, extensionHome, nativeStage, reference, starterModel } from "./places";

/** Options that every command understands. */
export const commonOptions: Readonly<Record<string, OptionSpec>> = {
  home: { value: "DIR", help: `agents, caches and imported models live here (default: ${defaultHome})` },
  vscode: { help: "use the agents of VS Code: the home of its extension (the one used last, where there are several)" },
  json: { help: "print one JSON object on stdout and nothing else there" },
  verbose: { help: "log to stderr what happens" },
  help: { help: "show this help" },
};

/** Options of commands that run a model. */
export const modelOptions: Readonly<Record<string, OptionSpec>> = {
  model: { value: "DIR", help: "model directory in MLX's format (default: the starter model)" },
  threads: { value: "N", help: "threads of the CPU kernels (default: as many as there are physical cores)" },
  "no-lookup": { help: "do not guess from the agent's own tokens (answers are the same)" },
  kv: {
    value: "TYPE",
    help: `number format of K and V: ${kvDtypes.join(", ")} (default: f16, on a GPU f16 or bf16; q8 not on a GPU)`,
  },
  "pool-mb": { value: "N", help: "size of the KV block pool in MB (default: by free memory, model and context)" },
};

/** The folder that a command works on. */
function homeOf(args: Arguments): string {
  const home = args.text("home");
  if (!args.flag("vscode")) return path.resolve(home ?? process.env["RESIDENT_HOME"] ?? defaultHome);
  if (home !== undefined) args.refuse("--vscode cannot go with --home");
  return extensionHome();
}

/** Starts the core for the time of one command; what it holds is saved and freed at the end, whatever happens. */
export async function withService<T>(args: Arguments, log: Log, body: (service: ResidentService) => Promise<T>) {
  const home = homeOf(args);
  log.log("info", `home: ${home}`);
  const model = args.text("model");
  const gguf = args.text("gguf");
  const referenceFolder = reference();
  const poolMb = args.number("pool-mb", { min: 1, max: 1_048_576, whole: true });
  const threads = args.number("threads", { min: 0, max: 256, whole: true }) ?? 0;
  const kvDtype = args.choice("kv", kvDtypes);
  const service = createResidentService(
    {
      home,
      starterModel: starterModel(),
      nativeStage: nativeStage(),
      ...(referenceFolder === undefined ? {} : { reference: referenceFolder }),
      ...(gguf === undefined ? {} : { benchGguf: path.resolve(gguf) }),
      ...(model === undefined ? {} : { defaultModel: path.resolve(model) }),
      modelFolders: [path.join(home, "models")],
      userHome: os.homedir(),
      ...(poolMb === undefined ? {} : { poolBytes: poolMb * 1_048_576 }),
      blockTokens: 64,
      threads,
      ...(kvDtype === undefined ? {} : { kvDtype }),
      promptLookup: !args.flag("no-lookup"),
      storeQuotaBytes: 8 * 1024 ** 3,
    },
    log,
  );
  try {
    return await body(service);
  } finally {
    await service.dispose();
  }
}
