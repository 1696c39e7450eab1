import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError } from "../../common/errors";
import { type AttachWay, attachWays } from "../../protocol/chatFiles";
import type { AttachmentChip } from "../../protocol/page";
import type { AgentId, AgentSummary, ResidentService } from "../../protocol/service";
import type { AgentPicker } from "../agents/agentPicker";
import type { ChatPanels } from "../chat/chatPanels";
import { flagField, textField, textsField } from "../commands/commandArguments";
import type { CommandRegistry } from "../commands/commandRegistry";
import { commands } from "../contributions";
import type { AgentFiles } from "./agentFiles";
import { attachmentChips, type DraftFile, withFiles } from "./draftFiles";
import { namedPaths } from "./pathText";
import { placeOf } from "./places";
import { ProblemActions } from "./problemActions";

export interface FileCommandPorts {
  readonly files: AgentFiles;
  readonly panels: ChatPanels;
  readonly picker: AgentPicker;
}

/** What a draft carries now. */
export interface ChatAttachments {
  readonly agent: AgentId;
  readonly attachments: readonly AttachmentChip[];
}

/**
 * The commands about files. Menus pass a file's URI and all that are selected; keys and programs pass `{ agent, paths }`.
 * `outside`: files outside the workspace are meant, and nobody is asked.
 */
export function registerFileCommands(registry: CommandRegistry, ports: FileCommandPorts): Disposable {
  const { files, picker } = ports;
  const store = new DisposableStore();
  const about = (
    id: (typeof commands)[keyof typeof commands],
    title: string,
    work: (agent: AgentSummary, argument: unknown, selected: unknown) => Promise<unknown>,
  ) =>
    store.add(
      registry.register(id, async (argument, selected) => {
        const door = await files.door();
        const agent = (await madeFirst(door)) ?? (await picker.resolve(door, argument, title));
        return agent && work(agent, argument, selected);
      }),
    );

  about(commands.askAboutSelection, "Ask Agent About the Selection", async (agent, argument) => {
    return add(agent, await files.attach("selection"), argument, ports);
  });
  about(commands.addTerminalToChat, "Add Terminal Selection to Chat", async (agent, argument) => {
    return add(agent, await files.attach("terminal"), argument, ports);
  });
  about(commands.addToChat, "Add to Chat", async (agent, argument, selected) => {
    return add(agent, await chosen(argument, selected, files), argument, ports);
  });
  about(commands.pinFiles, "Pin to Agent", async (agent, argument, selected) => {
    const uris = await urisOf(argument, selected);
    return files.pinned.state(agent.id, async () => {
      if (uris.length === 0) await files.choosePins(agent.id);
      else await files.pin(agent.id, uris, flagField(argument, "outside"));
    });
  });
  about(commands.unpinFile, "Unpin File from Agent", async (agent, argument) => {
    const path = textField(argument, "path") ?? (await pickPinned(agent, files));
    if (path === undefined) return undefined;
    return files.pinned.state(agent.id, (pins) => pins.unpin(path));
  });
  about(commands.renewFiles, "Read Pinned Files Anew", (agent) => {
    return files.pinned.state(agent.id, (pins) => pins.renew());
  });
  store.add(vscode.languages.registerCodeActionsProvider({ pattern: "**" }, new ProblemActions()));
  return store;
}

/** Argument: background (the panel is not opened). */
async function add(
  { id, name }: AgentSummary,
  added: readonly DraftFile[],
  argument: unknown,
  { files, panels }: FileCommandPorts,
): Promise<ChatAttachments> {
  if (flagField(argument, "background")) await files.drafts.change(id, (held) => withFiles(held, added));
  else await (await panels.open({ id, name })).attach(added);
  return { agent: id, attachments: attachmentChips(await files.drafts.get(id)) };
}

/** Arguments: paths, problems (of a file, or of its lines), or what. Without any it is the file of the editor. */
async function chosen(argument: unknown, selected: unknown, files: AgentFiles): Promise<readonly DraftFile[]> {
  const paths = textsField(argument, "paths");
  if (paths !== undefined) return files.attaching.named(namedPaths(paths), flagField(argument, "outside"));
  const problems = textField(argument, "problems");
  if (problems !== undefined) {
    const [{ name, range } = { name: problems }] = namedPaths([problems]);
    return [files.attaching.problems(await placeOf(name), range)];
  }
  const uris = await urisOf(argument, selected);
  if (uris.length > 0) return files.attaching.named(uris.map((uri) => ({ name: uri.toString() })));
  return files.attach(attachWay(textField(argument, "what")) ?? "file");
}

function attachWay(what: string | undefined): AttachWay | undefined {
  const way = attachWays.find((known) => known === what);
  if (what === undefined || way !== undefined) return way;
  throw new InvalidRequestError(`"${what}" cannot be attached`, `use one of ${attachWays.join(", ")}`);
}

/** Of a menu, or of the paths in an argument. */
async function urisOf(argument: unknown, selected: unknown): Promise<readonly vscode.Uri[]> {
  const several: readonly unknown[] = Array.isArray(selected) ? selected : [];
  const uris = several.filter((item) => item instanceof vscode.Uri);
  if (uris.length > 0) return uris;
  if (argument instanceof vscode.Uri) return [argument];
  const paths = textsField(argument, "paths") ?? [];
  return Promise.all(
    paths.map(async (path) => {
      const uri = await placeOf(path);
      if (uri === undefined) throw new InvalidRequestError(`${path} is not there`, "check the path", { path });
      return uri;
    }),
  );
}

async function pickPinned(agent: AgentSummary, files: AgentFiles): Promise<string | undefined> {
  const state = await files.pinned.state(agent.id);
  if (state.files.length === 0) throw new InvalidRequestError(`"${agent.name}" has no pinned files`, "pin some first");
  return vscode.window.showQuickPick(
    state.files.map(({ path }) => path),
    { title: `Unpin a File from ${agent.name}`, placeHolder: "File" },
  );
}

/** Where there is no agent the person makes the first one. */
async function madeFirst(door: ResidentService): Promise<AgentSummary | undefined> {
  if ((await door.listAgents()).length > 0) return undefined;
  const made: unknown = await vscode.commands.executeCommand(commands.newAgent, {
    prompt: "No agents yet: make the first one.",
    background: true,
  });
  const id = textField(made, "id");
  return id === undefined ? undefined : door.findAgent(id);
}
