import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import manifest from "../../../package.json";
import { kvDtypes } from "../../../src/common/kvDtypes";
import { repetitionWindowTokens, type SamplingRange, samplingRanges } from "../../../src/common/samplingRanges";
import { actionCommand } from "../../../src/extension/commands/actionCommands";
import {
  chatPanelType,
  chatVendor,
  commands,
  contextKeys,
  diagnosisScheme,
  memberItem,
  type SettingId,
  settings,
  startupSettings,
  themeColours,
  treeItems,
  viewContainer,
  views,
  walkthrough,
} from "../../../src/extension/contributions";
import { type AnswerSetting, answerSettings } from "../../../src/extension/engine/answerSettings";
import { numberSettings, poolSizeLimits } from "../../../src/extension/engine/settings";
import { actionIds } from "../../../src/protocol/page";

const { contributes } = manifest;
const sorted = (values: Iterable<string>) => [...values].sort();
const properties: ReadonlyMap<string, Readonly<Record<string, unknown>>> = new Map(
  contributes.configuration.flatMap((section) => Object.entries<Readonly<Record<string, unknown>>>(section.properties)),
);
const whenClauses: readonly string[] = [
  ...Object.values(contributes.menus).flatMap((menu: readonly { readonly command: string; readonly when?: string }[]) =>
    menu.map(({ when }) => when ?? ""),
  ),
  ...contributes.keybindings.map((binding: { readonly when?: string }) => binding.when ?? ""),
  ...contributes.viewsWelcome.map(({ when }) => when),
  ...contributes.commands.map((command: { readonly enablement?: string }) => command.enablement ?? ""),
];

interface Keybinding {
  readonly command: string;
  readonly args?: { readonly commands?: readonly (string | { readonly command: string })[] };
}

/** What a key runs: one command, or those of a chain. */
function boundCommands({ command, args }: Keybinding): readonly string[] {
  if (command !== "runCommands") return [command];
  return (args?.commands ?? []).map((link) => (typeof link === "string" ? link : link.command));
}

describe("contributions", () => {
  it("declares exactly the commands that the code names", () => {
    assert.deepEqual(sorted(contributes.commands.map(({ command }) => command)), sorted(Object.values(commands)));
  });

  it("declares exactly the colours that the code names", () => {
    assert.deepEqual(sorted(contributes.colors.map(({ id }) => id)), sorted(Object.values(themeColours)));
  });

  it("puts every command under the extension's own prefix and category, with a title", () => {
    for (const { command, title, category } of contributes.commands) {
      assert.match(command, /^resident\.[a-z][A-Za-z]+$/);
      assert.equal(category, "Resident");
      assert.notEqual(title, "");
    }
  });

  it("binds menus, keys and welcome links only to commands that exist", () => {
    const known = new Set<string>(Object.values(commands));
    const menus = Object.values(contributes.menus).flatMap((menu: readonly { readonly command: string }[]) =>
      menu.map(({ command }) => command),
    );
    const keys = contributes.keybindings.flatMap(boundCommands).filter((command) => !/^list\./.test(command));
    const links = contributes.viewsWelcome.flatMap(({ contents }) =>
      [...contents.matchAll(/command:([\w.]+)/g)].map(([, id]) => id ?? ""),
    );
    assert.ok(links.length > 0);
    for (const command of [...menus, ...keys, ...links]) assert.ok(known.has(command), command);
  });

  it("has a walkthrough whose pictures exist, and whose buttons and ends are commands and keys that exist", () => {
    const [first, ...more] = contributes.walkthroughs;
    assert.equal(first?.id, walkthrough);
    assert.deepEqual(more, []);
    const known = new Set<string>([...Object.values(commands), "workbench.action.reloadWindow"]);
    const conditions = new Set<string>([...Object.values(contextKeys), ...Object.values(views)]);
    const steps = first?.steps ?? [];
    assert.deepEqual(
      steps.map(({ id }) => id),
      ["what", "model", "agent", "reload", "room"],
    );
    for (const { id, description, media, completionEvents } of steps) {
      for (const file of Object.values(media).filter((value) => value.startsWith("media/"))) {
        assert.ok(existsSync(file), `${id}: ${file}`);
      }
      assert.ok(!("image" in media) || "altText" in media, `${id}: a picture without words`);
      for (const [, command = ""] of description.matchAll(/\(command:([\w.]+)\)/g))
        assert.ok(known.has(command), command);
      for (const event of completionEvents ?? []) {
        const [kind, what = ""] = event.split(":");
        assert.ok((kind === "onCommand" ? known : conditions).has(what), event);
      }
    }
  });

  it("binds a key to the chat on all platforms that VS Code itself leaves free", () => {
    const chat = contributes.keybindings.find(({ command }) => command === commands.openLastAgent);
    // Looked up in the default keyboard shortcuts of VS Code 1.139 for Linux, Windows and macOS.
    assert.deepEqual(chat, { command: commands.openLastAgent, key: "ctrl+alt+j", mac: "cmd+alt+j" });
  });

  it("offers the K/V formats that the code knows, each described", () => {
    const precision = properties.get(settings.poolPrecision);
    assert.deepEqual(precision?.["enum"], ["auto", ...kvDtypes]);
    assert.deepEqual((precision?.["enumDescriptions"] as readonly string[] | undefined)?.length, kvDtypes.length + 1);
  });

  it("declares exactly the settings that the code names, each described and with its unit or limits", () => {
    assert.deepEqual(sorted(properties.keys()), sorted(Object.values(settings)));
    for (const [id, property] of properties) {
      assert.equal(typeof property["markdownDescription"], "string", id);
      assert.ok("default" in property, id);
    }
  });

  it("states the same limits and defaults that values are clamped to", () => {
    for (const [id, limits] of Object.entries({ ...numberSettings, [settings.poolSizeMB]: poolSizeLimits })) {
      const property = properties.get(id);
      assert.ok(property, id);
      const { minimum, maximum, default: preset } = property;
      assert.deepEqual({ minimum, maximum, default: preset }, limits, id);
    }
  });

  it("states the ranges of the one table of sampling parameters, and what answers are sampled with by default", () => {
    const named = Object.entries<AnswerSetting>(answerSettings);
    assert.deepEqual(
      sorted(named.map(([id]) => id)),
      sorted([...properties.keys()].filter((id) => id.startsWith("resident.answers."))),
    );
    for (const [id, setting] of named) {
      const { minimum, maximum, default: preset, type } = properties.get(id) ?? {};
      const table: Readonly<Record<string, SamplingRange>> = samplingRanges;
      const { min, max, whole } = setting.name === "maxTokens" ? setting.range : (table[setting.name] ?? setting.range);
      assert.deepEqual({ minimum, maximum, preset }, { minimum: min, maximum: max, preset: setting.default }, id);
      assert.deepEqual(setting.range, { min, max, whole }, id);
      const number = whole ? "integer" : "number";
      assert.deepEqual(type, setting.default === null ? [number, "null"] : number, id);
    }
  });

  it("says what an answer's setting that is left alone means, and what penalties count", () => {
    for (const [id, setting] of Object.entries<AnswerSetting>(answerSettings)) {
      const text = String(properties.get(id)?.["markdownDescription"]);
      if (setting.default === null) assert.match(text, /`null`/, id);
    }
    const described = (id: SettingId) => String(properties.get(id)?.["markdownDescription"]);
    assert.match(described(settings.answersRepetitionPenalty), new RegExp(`last ${repetitionWindowTokens} tokens`));
    assert.match(described(settings.answersPresencePenalty), /Only the answer is counted/);
    assert.match(described(settings.answersFrequencyPenalty), /Only the answer is counted/);
  });

  it("says of every setting that needs a restart that it does", () => {
    for (const id of startupSettings) {
      assert.match(String(properties.get(id)?.["markdownDescription"]), /engine starts again/, id);
    }
  });

  it("groups settings in titled sections", () => {
    assert.ok(contributes.configuration.length >= 4);
    for (const { title } of contributes.configuration) assert.notEqual(title, "");
  });

  it("declares the views and the container that the code names", () => {
    assert.deepEqual(sorted(contributes.views.resident.map(({ id }) => id)), sorted(Object.values(views)));
    assert.deepEqual(
      contributes.viewsContainers.activitybar.map(({ id }) => id),
      [viewContainer],
    );
    assert.deepEqual(Object.keys(contributes.views), [viewContainer]);
  });

  it("offers its models to VS Code's chat under the vendor that the code registers, and wakes up for it", () => {
    const [provider, ...more] = contributes.languageModelChatProviders;
    assert.deepEqual(more, []);
    assert.equal(provider?.vendor, chatVendor);
    assert.ok(Object.values<string>(commands).includes(provider?.managementCommand ?? ""));
    assert.ok(manifest.activationEvents.includes(`onLanguageModelChatProvider:${chatVendor}`));
  });

  it("wakes up for panels that were open before a reload", () => {
    assert.ok(manifest.activationEvents.includes(`onWebviewPanel:${chatPanelType}`));
  });

  it("uses only context keys that the code sets", () => {
    const ours = new Set(whenClauses.flatMap((when) => [...when.matchAll(/resident\.\w+/g)].map(([key]) => key)));
    const known = new Set<string>([...Object.values(contextKeys), ...Object.values(views), chatPanelType]);
    for (const key of ours) assert.ok(known.has(key) || Object.values<string>(commands).includes(key), key);
    for (const key of Object.values(contextKeys)) assert.ok(ours.has(key), `${key} is set for nobody`);
  });

  it("shows menus for every kind of row in the tree, and the copy button on the diagnosis", () => {
    const rows = contributes.menus["view/item/context"].map(({ when }) => when);
    for (const kind of Object.values(treeItems)) {
      assert.ok(
        rows.some((when) => new RegExp(/viewItem =~ \/(.*)\//.exec(when)?.[1] ?? "^$").test(kind)),
        kind,
      );
    }
    assert.ok(whenClauses.some((when) => when.includes(`resourceScheme == ${diagnosisScheme}`)));
  });

  it("offers each row either to add its agent to the room or to remove it, and nothing else differs by that", () => {
    const shownFor = (item: string) =>
      contributes.menus["view/item/context"]
        .filter(({ when }) => new RegExp(/viewItem =~ \/(.*)\//.exec(when)?.[1] ?? "^$").test(item))
        .map(({ command }) => command);
    for (const kind of Object.values(treeItems)) {
      const outside = shownFor(kind);
      const member = shownFor(`${kind}${memberItem}`);
      assert.ok(!outside.includes(commands.removeFromRoom), kind);
      assert.ok(member.includes(commands.removeFromRoom) && !member.includes(commands.addToRoom), kind);
      const others = (shown: readonly string[]) => shown.filter((command) => !/Room$/.test(command));
      assert.deepEqual(others(member), others(outside), kind);
      assert.ok(kind === treeItems.damagedAgent || outside.includes(commands.addToRoom), kind);
    }
  });

  it("gives every button of the pages a command that exists", () => {
    const known = new Set<string>(Object.values(commands));
    for (const id of actionIds) assert.ok(known.has(actionCommand(id, { agent: "a", turn: "t" }).command), id);
  });

  it("can run on the person's own machine and in workspaces that are not trusted or not on a disk", () => {
    assert.deepEqual(manifest.extensionKind, ["ui", "workspace"]);
    assert.equal(manifest.capabilities.untrustedWorkspaces.supported, "limited");
    assert.match(manifest.capabilities.untrustedWorkspaces.description, /not trusted/);
    assert.equal(manifest.capabilities.virtualWorkspaces.supported, "limited");
    assert.match(manifest.capabilities.virtualWorkspaces.description, /Commands/);
  });
});
