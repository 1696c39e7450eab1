import { fitText } from "../common/fitText";
import { createFormats } from "../common/format";
import { roundedText } from "../common/roundedText";
import type { HubModel, HubSearch, ResidentService, SuggestedModel } from "../protocol/service";
import type { Arguments } from "./arguments";
import { type Console, printJson, progressPrinter, table } from "./console";

const formats = createFormats("en");

/** `models get`: says what it gets before it does. */
export async function getModel(
  service: ResidentService,
  args: Arguments,
  console: Console,
  signal: AbortSignal,
): Promise<void> {
  const quantization = args.text("quantization");
  const request = { name: args.positional("name") ?? "", ...(quantization === undefined ? {} : { quantization }) };
  const plan = await service.describeHubModel(request, signal);
  if (!args.flag("json")) for (const line of planLines(plan)) console.err(line);
  const made = await service.getHubModel(request, progressPrinter(console), signal);
  if (args.flag("json")) return printJson(console, { ...made, hub: plan });
  console.out(`${made.name}: ${formats.bytes(made.weightBytes)} in ${made.directory}\n`);
  const rounded = roundedText(made.rounded, formats);
  if (rounded !== undefined) console.out(`${rounded}\n`);
}

/** `models search`: without words the built-in list, which needs no network. */
export async function searchModels(
  service: ResidentService,
  args: Arguments,
  console: Console,
  signal: AbortSignal,
): Promise<void> {
  const words = args.positional("text");
  if (words === undefined) {
    const suggested = await service.suggestedModels();
    if (args.flag("json")) return printJson(console, { models: suggested });
    return console.out(table(suggested.map(suggestedRow)));
  }
  const found = await service.searchHub(words, signal);
  if (args.flag("json")) return printJson(console, found);
  const rows = found.models.map(({ name, family, licence, gated, downloads }) => [
    name,
    family,
    licence,
    `${formats.count(downloads)} downloads`,
    gated ? "with conditions" : "",
  ]);
  console.out(rows.length > 0 ? table(rows) : "no model that Resident loads\n");
  for (const line of otherLines(found)) console.err(line);
}

function planLines({ name, family, quantization, licence, contextTokens, usesTools, downloadBytes, fit }: HubModel) {
  const facts = [
    family,
    quantization,
    ...(licence === "" ? [] : [licence]),
    `context of ${formats.count(contextTokens)} tokens`,
    ...(usesTools === undefined ? [] : [usesTools ? "tools" : "no tools"]),
  ];
  return [`${name}: ${facts.join(", ")}`, `download ${formats.bytes(downloadBytes)}; ${fitText(fit, formats)}`];
}

function suggestedRow({ name, machineGB, reason, fit }: SuggestedModel): readonly string[] {
  return [name, `for ${machineGB} GB`, fitText(fit, formats), reason];
}

function otherLines({ others }: HubSearch): readonly string[] {
  return others.map(
    ({ family, count, missing }) =>
      `not loaded: ${formats.count(count)} of ${family}${missing === undefined ? "" : `, which need ${missing}`}`,
  );
}
