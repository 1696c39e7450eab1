import * as path from "node:path";
import { ResidentError } from "../common/errors";
import { createFormats } from "../common/format";
import type { ListedModel, ResidentService } from "../protocol/service";
import type { Arguments } from "./arguments";
import { type Console, printJson } from "./console";

const formats = createFormats("en");

/** `models delete`: by folder, name, or name on the hub. */
export async function deleteModel(service: ResidentService, args: Arguments, console: Console): Promise<void> {
  const { name, directory } = await find(service, args.positional("model") ?? "");
  const users = (await service.listAgents()).filter(
    ({ modelDirectory, server }) => modelDirectory === directory && server === undefined,
  );
  if (!args.flag("yes")) {
    const who = users.length === 0 ? "" : `; agents that use it: ${users.map((agent) => agent.name).join(", ")}`;
    args.refuse(`deleting ${name} in ${directory} needs --yes${who}`);
  }
  const deletion = await service.deleteModel(directory);
  if (args.flag("json")) return printJson(console, { directory, ...deletion });
  console.out(`${name} is deleted: ${formats.bytes(deletion.freedBytes)} are free again\n`);
}

async function find(service: ResidentService, word: string): Promise<ListedModel> {
  const own = (await service.listModels()).filter(({ isDeletable }) => isDeletable);
  const found = own.filter(
    ({ directory, name, hubName }) => directory === path.resolve(word) || name === word || hubName === word,
  );
  const [only, ...more] = found;
  if (only !== undefined && more.length === 0) return only;
  const what = only === undefined ? `Resident has no model '${word}' of its own` : `'${word}' is several models`;
  throw new ResidentError("MODEL_NOT_FOUND", what, "name its folder, as `resident models list` has it", {
    model: word,
  });
}
