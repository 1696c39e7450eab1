import assert from "node:assert/strict";
import fc from "fast-check";
import manifest from "../../../../package.json";
import { builtInSpecs } from "../../../../src/acting/builtInTools";
import { writeApprovals } from "../../../../src/acting/ports";
import { chosenSpecs, toolRows } from "../../../../src/extension/acting/toolChoices";
import {
  approvalSettings,
  defaultTools,
  isSavingEdits,
  turnLimits,
} from "../../../../src/extension/acting/toolSettings";
import { type SettingId, settings } from "../../../../src/extension/contributions";

const reader = (values: Partial<Record<SettingId, unknown>>) => (id: SettingId) => values[id];

describe("the settings of tools", () => {
  const section = manifest.contributes.configuration.find(({ title }) => title === "Tools");
  const properties: Readonly<Record<string, Readonly<Record<string, unknown>>>> = section?.properties ?? {};

  it("ask for everything that changes something where nothing is set, and where what is set is not understood", () => {
    const asking = { isTrusted: true, write: "before", run: "ask", commands: [], other: "ask", others: [] };
    assert.deepEqual(approvalSettings(reader({}), true), asking);
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const all = Object.fromEntries(Object.values(settings).map((id) => [id, value]));
        const { write, run, other } = approvalSettings(reader(all), true);
        if (value === "never") return;
        assert.ok(write === "before" || value === write);
        assert.deepEqual([run, other], ["ask", "ask"]);
      }),
    );
  });

  it("are what the person has set", () => {
    const set = {
      [settings.toolsApproveWrite]: "after",
      [settings.toolsApproveRun]: "never",
      [settings.toolsApproveOther]: "never",
      [settings.toolsAllowedCommands]: ["npm test", " npm test ", "", 3],
      [settings.toolsAllowedTools]: ["fetch"],
    };
    assert.deepEqual(approvalSettings(reader(set), false), {
      ...{ isTrusted: false, write: "after", run: "never", commands: ["npm test"], other: "never", others: ["fetch"] },
    });
  });

  it("limit a turn, and never to nothing", () => {
    assert.deepEqual(turnLimits(reader({})), { steps: 40, minutes: 30 });
    const limits = turnLimits(reader({ [settings.toolsMostSteps]: 0.2, [settings.toolsMostMinutes]: 1e9 }));
    assert.deepEqual(limits, { steps: 1, minutes: 1440 });
  });

  it("save edits, and give new agents no tools, unless the person says otherwise", () => {
    assert.deepEqual([isSavingEdits(reader({})), defaultTools(reader({}))], [true, []]);
    const set = { [settings.toolsSaveEdits]: false, [settings.toolsDefault]: ["search"] };
    assert.deepEqual([isSavingEdits(reader(set)), defaultTools(reader(set))], [false, ["search"]]);
  });

  it("are the person's alone: no workspace can set one", () => {
    for (const [id, property] of Object.entries(properties)) assert.equal(property["scope"], "machine", id);
  });

  it("offer what the code knows", () => {
    assert.deepEqual(properties[settings.toolsApproveWrite]?.["enum"], [...writeApprovals]);
    const { items } = manifest.contributes.configuration
      .flatMap((one) => Object.entries<object>(one.properties))
      .filter(([id]) => id === settings.toolsDefault)
      .map(
        ([, property]) => property as { items: { enum: readonly string[]; enumDescriptions: readonly string[] } },
      )[0] ?? {
      items: { enum: [], enumDescriptions: [] },
    };
    assert.deepEqual([...items.enum].sort(), builtInSpecs.map(({ name }) => name).sort());
    assert.equal(items.enumDescriptions.length, items.enum.length);
  });
});

describe("the choice of tools", () => {
  const builtIn = [
    { name: "search", description: "Finds lines. More about it." },
    { name: "run", description: "Runs" },
  ];
  const others = [
    { name: "z", description: "Last" },
    { name: "fetch", description: "Gets a page.\nWith details" },
  ];

  it("has the built-in ones first, then the others by name, then those that are gone", () => {
    const rows = toolRows(["run", "gone"], builtIn, others);
    assert.deepEqual(
      rows.map(({ name, isChosen, isOther, isGone }) => [name, isChosen, isOther, isGone]),
      [
        ["search", false, false, false],
        ["run", true, false, false],
        ["fetch", false, true, false],
        ["z", false, true, false],
        ["gone", true, true, true],
      ],
    );
    assert.deepEqual(
      rows.map(({ description }) => description),
      ["Finds lines.", "Runs", "Gets a page.", "Last", "It is not here now."],
    );
  });

  it("tells the model the same whatever the order of choosing, and keeps what is not here", () => {
    const had = [{ name: "gone", description: "Once" }];
    const known = [...builtIn, ...others];
    const one = chosenSpecs(["gone", "z", "search"], known, had);
    assert.deepEqual(one, chosenSpecs(["search", "gone", "z"], known, had));
    assert.deepEqual(
      one.map(({ name }) => name),
      ["search", "z", "gone"],
    );
    assert.deepEqual(chosenSpecs(["nothing"], known, had), []);
  });
});
