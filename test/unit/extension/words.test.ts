import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import { agentItem } from "../../../src/extension/agents/agentItem";
import { agentArgument, flagField, numberField, textField } from "../../../src/extension/commands/commandArguments";
import { progressSteps } from "../../../src/extension/commands/progressText";
import { placesOf } from "../../../src/extension/engine/places";
import { MetricHistory } from "../../../src/extension/status/metricHistory";
import { statusUpdates } from "../../../src/extension/status/statusUpdates";
import { diagnosisText } from "../../../src/extension/window/diagnosisText";
import { FakeService } from "../../support/extension/fakeService";

const formats = createFormats("en");

describe("an agent in the tree", () => {
  const look = async (parts: object) => {
    const agent = await new FakeService().createAgent({ name: "Ada [1]" });
    return agentItem({ ...agent, ...parts }, formats);
  };

  it("wears its colour, its tier as fill, and says both the tier and the state", async () => {
    const { icon, colour, description, contextValue, spoken } = await look({
      tier: "hot",
      tokens: 3425,
      state: "reading",
    });
    assert.equal(icon, "circle-large-filled");
    assert.equal(colour, "charts.blue");
    assert.equal(description, "3,425 tokens · hot · reading");
    assert.equal(contextValue, "agent.running");
    assert.equal(spoken, "Ada [1], 3,425 tokens · hot · reading");
  });

  it("repeats the colours after the sixth agent", async () => {
    assert.equal((await look({ index: 7 })).colour, "charts.green");
  });

  it("shows a lock while another window holds it", async () => {
    const { icon, description, contextValue } = await look({ lockedElsewhere: true });
    assert.equal(icon, "lock");
    assert.match(description, /open in another window$/);
    assert.equal(contextValue, "agent.locked");
  });

  it("says that it is damaged, and why, whatever else is known of it", async () => {
    const damage = { code: "AGENT_CORRUPT", what: "Ada [1] cannot be read", advice: "repair it", facts: {} } as const;
    const { icon, description, contextValue, tooltip } = await look({ damage, lockedElsewhere: true });
    assert.deepEqual([icon, description, contextValue], ["warning", "damaged", "agent.damaged"]);
    assert.match(tooltip, /Ada \\\[1\\\] cannot be read/);
    assert.match(tooltip, /Repair it/);
  });

  it("does not let a name format the tooltip", async () => {
    assert.match((await look({})).tooltip, /\*\*Ada \\\[1\\\]\*\*/);
  });
});

describe("command arguments", () => {
  it("are read from plain objects, ids and tree rows, and refused when of another kind", () => {
    assert.equal(agentArgument("a"), "a");
    assert.equal(agentArgument({ agent: "a", id: "b" }), "a");
    assert.equal(agentArgument({ id: "b" }), "b");
    assert.equal(agentArgument(undefined), undefined);
    assert.equal(textField({ text: "" }, "text"), "");
    assert.equal(flagField({ raw: "yes" }, "raw"), false);
    assert.throws(() => textField({ prompt: 3 }, "prompt"), { code: "INVALID_REQUEST" });
    assert.throws(() => numberField({ maxTokens: "3" }, "maxTokens"), { code: "INVALID_REQUEST" });
  });
});

describe("a diagnosis", () => {
  it("aligns values and separates sections", () => {
    const text = diagnosisText([
      {
        title: "Engine",
        lines: [
          ["MLX", "0.32.4"],
          ["device", "cpu"],
        ],
      },
      { title: "Model", lines: [["name", "x"]] },
    ]);
    assert.equal(text, "Engine\n  MLX     0.32.4\n  device  cpu\n\nModel\n  name  x\n");
  });
});

describe("the places", () => {
  const inputs = { extensionPath: "/ext", globalStoragePath: "/global", environment: {}, platform: "linux-x64" };

  it("take the bundled starter model where there is one, else the one in the home", () => {
    assert.match(placesOf({ ...inputs, exists: () => true }).starterModel, /^.ext.native.models.SmolLM2/);
    assert.match(placesOf({ ...inputs, exists: () => false }).starterModel, /^.global.models.SmolLM2/);
  });

  it("follow the environment", () => {
    const environment = { RESIDENT_HOME: "/h", RESIDENT_STARTER_MODEL: "/s" };
    const places = placesOf({ ...inputs, environment });
    assert.equal(places.home, "/h");
    assert.equal(places.starterModel, "/s");
  });
});

describe("a progress bar", () => {
  it("moves by what was done since, never back, and not at all without a total", () => {
    const step = progressSteps();
    const at = (done: number, total: number) => step({ done, total, unit: "bytes", message: "" }).increment;
    assert.deepEqual([at(10, 100), at(30, 100), at(20, 100), at(5, 0), at(100, 100)], [10, 20, 0, 0, 70]);
  });
});

describe("the history of rates", () => {
  it("keeps one sample a second for five minutes", async () => {
    const { metrics } = await new FakeService().status();
    const history = new MetricHistory();
    for (let ms = 0; ms <= 400_000; ms += 250) history.take(metrics, ms);
    assert.equal(history.samples.length, 300);
    assert.equal(history.samples.at(-1)?.at, 400_000);
  });
});

describe("status updates", () => {
  it("say only what has changed", async () => {
    const service = new FakeService();
    const before = await service.status();
    assert.deepEqual(statusUpdates(before, await service.status(), undefined), []);
    await service.createAgent({ name: "Ada" });
    assert.deepEqual(
      statusUpdates(before, await service.status(), undefined).map(({ type }) => type),
      ["agents"],
    );
  });
});
