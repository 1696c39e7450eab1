import assert from "node:assert/strict";
import { FakeHub } from "../support/models/hub/fakeHub";
import { fakeModel } from "../support/models/hub/hubRig";
import { useWorkbench } from "./support/suite";
import { chooseMachineSetting } from "./support/workbench";

const endpoint = "resident.hub.endpoint";
const name = "maker/Found-4bit";

describe("Get Model", () => {
  let hub: FakeHub;
  before(async () => {
    hub = await FakeHub.start();
    const { files, tags = [] } = fakeModel(name, 100_000);
    const { "model-00001-of-00002.safetensors": weights = "", "model-00002-of-00002.safetensors": _, ...rest } = files;
    hub.add({ name, tags, files: { ...rest, "model.safetensors": weights }, large: ["model.safetensors"] });
    hub.add({ name: "maker/Found-New", files: { "config.json": JSON.stringify({ model_type: "qwen3_5" }) } });
    chooseMachineSetting(endpoint, hub.url);
  });
  const workbench = useWorkbench();
  after(async () => {
    chooseMachineSetting(endpoint, undefined);
    await hub.stop();
  });

  it("lists what fits this machine, finds a model as one types, downloads it and offers to use it", async () => {
    const { page, quickInput } = workbench();
    await workbench().command("Resident: Get Model");
    // Which come first depends on this machine's memory.
    await quickInput
      .getByRole("option")
      .filter({ hasText: /fits: .* with 32,000 tokens/ })
      .first()
      .waitFor();
    await workbench().screenshot("getModel-list-dark");
    await workbench().quickField.fill("found");
    const row = quickInput.getByRole("option").filter({ hasText: name });
    await row.filter({ hasText: "context 128 tokens" }).waitFor();
    assert.match((await row.textContent()) ?? "", /llama · 4-bit · tools · apache-2\.0.*fits: .* with 128 tokens/);
    await quickInput.getByRole("option").filter({ hasText: "1 × qwen3_5 (needs state layers)" }).waitFor();
    await workbench().screenshot("getModel-found-dark");
    await row.click();
    await page.getByText("Found-4bit is here. Use it for new agents and Generate?").first().waitFor();
  });
});
