import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { createFormats } from "../../common/format";
import { roundedText } from "../../common/roundedText";
import type { ListedModel, ModelSummary, ResidentService } from "../../protocol/service";
import { textField } from "../commands/commandArguments";
import type { CommandRegistry } from "../commands/commandRegistry";
import { withCancel, withJobProgress } from "../commands/progress";
import { loadingText } from "../commands/progressText";
import { commands, settings } from "../contributions";
import type { EngineWatch } from "./engineWatch";
import { chosenText, modelChoice } from "./modelChoices";
import type { ServiceHandle } from "./serviceHandle";
import { readSetting } from "./settingsReader";

export interface ModelCommandPorts {
  readonly service: ServiceHandle;
  readonly engine: EngineWatch;
}

/** Each returns the model's summary; undefined when the person changed their mind. */
export function registerModelCommands(registry: CommandRegistry, { service, engine }: ModelCommandPorts): Disposable {
  const store = new DisposableStore();
  const loads = new Loads(engine);
  store.add(
    registry.register(commands.chooseModel, async (argument) => {
      const door = await service.get();
      const directory = textField(argument, "directory");
      return directory === undefined ? chooseFromList(door) : choose(door, directory);
    }),
  );
  store.add(
    registry.register(commands.importModel, async (argument) => {
      const file = textField(argument, "file") ?? (await askGgufFile());
      return file === undefined ? undefined : importModel(await service.get(), file, textField(argument, "name"));
    }),
  );
  store.add(registry.register(commands.getStarterModel, async () => getStarterModel(await service.get())));
  store.add(registry.register(commands.loadModel, async () => loads.load(await service.get())));
  store.add(
    registry.register(commands.cancelLoad, async () => {
      // A load that a turn asked for has no handle here: unloading ends it.
      if (!loads.cancel()) await (await service.get()).unloadModel();
    }),
  );
  store.add(registry.register(commands.unloadModel, async () => (await service.get()).unloadModel()));
  return store;
}

/** The load that was asked for by a person, with progress and Cancel. */
class Loads {
  private abort: AbortController | undefined;

  constructor(private readonly engine: EngineWatch) {}

  async load(door: ResidentService): Promise<ModelSummary> {
    const formats = createFormats(vscode.env.language);
    return withCancel("Resident: Loading the model", async (report, signal) => {
      const abort = new AbortController();
      signal.addEventListener("abort", () => abort.abort(), { once: true });
      this.abort = abort;
      const listening = this.engine.onChange((state) => {
        const message = loadingText(state, formats);
        if (message !== undefined) report.report({ message });
      });
      try {
        return await door.loadModel(abort.signal);
      } finally {
        listening.dispose();
        if (this.abort === abort) this.abort = undefined;
      }
    });
  }

  /** Whether there was one to cancel. */
  cancel(): boolean {
    this.abort?.abort();
    return this.abort !== undefined;
  }
}

interface ModelItem extends vscode.QuickPickItem {
  readonly run?: () => Promise<ModelSummary | undefined>;
}

async function chooseFromList(door: ResidentService): Promise<ModelSummary | undefined> {
  const models = await door.listModels();
  const items: ModelItem[] = [
    ...models.map((model) => modelItem(model, () => useListed(door, model))),
    { label: "", kind: vscode.QuickPickItemKind.Separator },
    {
      label: "$(cloud-download) Get a Model from the Hub…",
      detail: "Search, with what each model takes of this machine's memory",
      run: () => getFromHub(),
    },
    {
      label: "$(folder-opened) Browse for a Folder…",
      detail: "A model directory in MLX format: config.json, tokenizer.json and safetensors files",
      run: async () => {
        const directory = await askModelFolder();
        return directory === undefined ? undefined : chooseAndSay(door, directory);
      },
    },
    {
      label: "$(file-binary) Import a GGUF Model…",
      detail: "Turns a GGUF file into a model directory",
      run: async () => {
        const file = await askGgufFile();
        return file === undefined ? undefined : importModel(door, file);
      },
    },
    ...(models.some(({ isStarter, problem }) => isStarter && !problem)
      ? []
      : [{ label: "$(cloud-download) Get the Starter Model", run: () => getStarterModel(door) }]),
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: "Choose Model",
    placeHolder: "Model for new agents and for Generate",
    matchOnDescription: true,
    matchOnDetail: true,
  });
  return chosen?.run?.();
}

/** An unfinished download goes on; any other model becomes the one for new agents. */
function useListed(door: ResidentService, { source, hubName, quantization, directory }: ListedModel) {
  if (source !== "unfinished") return chooseAndSay(door, directory);
  return getFromHub({ name: hubName, ...(quantization === "" ? {} : { quantization }) });
}

async function getFromHub(argument?: object): Promise<undefined> {
  await vscode.commands.executeCommand(commands.getModel, argument);
}

function modelItem(model: ListedModel, run: () => Promise<ModelSummary | undefined>): ModelItem {
  return { run, ...modelChoice(model, readSetting(settings.modelDefault), createFormats(vscode.env.language)) };
}

/** As `choose`, for a person: says what it does, and `more` after it. */
async function chooseAndSay(door: ResidentService, directory: string, more?: string): Promise<ModelSummary> {
  const model = await choose(door, directory);
  const said = chosenText(model);
  void vscode.window.showInformationMessage(more === undefined ? said : `${said} ${more}`); // nobody waits for the person
  return model;
}

/** The choice is kept in the settings, so that it is there in the next window. */
async function choose(door: ResidentService, directory: string): Promise<ModelSummary> {
  const model = await door.chooseModel(directory);
  const configuration = vscode.workspace.getConfiguration();
  if (configuration.get(settings.modelDefault) !== model.directory) {
    await configuration.update(settings.modelDefault, model.directory, vscode.ConfigurationTarget.Global);
  }
  return model;
}

async function importModel(door: ResidentService, file: string, name?: string): Promise<ModelSummary> {
  const model = await withJobProgress("Resident: Importing the model", (onProgress, signal) =>
    door.importGguf({ file, ...(name === undefined ? {} : { name }) }, onProgress, signal),
  );
  return chooseAndSay(door, model.directory, roundedText(model.rounded, createFormats(vscode.env.language)));
}

async function getStarterModel(door: ResidentService): Promise<ModelSummary> {
  const model = await withJobProgress("Resident: Getting the starter model", (onProgress, signal) =>
    door.getStarterModel(onProgress, signal),
  );
  return chooseAndSay(door, model.directory);
}

async function askGgufFile(): Promise<string | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    title: "Import GGUF Model",
    openLabel: "Import",
    filters: { "GGUF models": ["gguf"] },
  });
  return chosen?.[0]?.fsPath;
}

async function askModelFolder(): Promise<string | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    title: "Choose Model",
    openLabel: "Choose",
    canSelectFiles: false,
    canSelectFolders: true,
  });
  return chosen?.[0]?.fsPath;
}
