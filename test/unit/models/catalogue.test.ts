import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { listModels } from "../../../src/models/catalogue";
import { temporaryFolder } from "../../support/models/folders";
import { writeTinyModel } from "../../support/models/tinyModel";

describe("The catalogue", () => {
  const folder = temporaryFolder();
  const at = (...names: readonly string[]) => join(folder.path, ...names);
  const list = (others: readonly string[] = []) =>
    listModels(
      { starterModel: at("starter"), imported: at("imported"), others, found: [] },
      { memoryBytes: 2 ** 30, loaded: undefined },
    );

  it("is empty where nothing is", async () => {
    assert.deepEqual(await list(), []);
  });

  it("lists the starter first, then imports by name, then the user's folders one level deep", async () => {
    await writeTinyModel(at("starter"));
    await writeTinyModel(at("imported", "b"));
    await writeTinyModel(at("imported", "a"));
    await writeTinyModel(at("mine", "c"));
    await writeTinyModel(at("mine", "deeper", "hidden"));
    await writeTinyModel(at("single"));
    const models = await list([at("mine"), at("single")]);
    assert.deepEqual(
      models.map(({ name, isStarter, problem }) => [name, isStarter, problem?.code]),
      [
        ["starter", true, undefined],
        ["a", false, undefined],
        ["b", false, undefined],
        ["c", false, undefined],
        ["single", false, undefined],
      ],
    );
  });

  it("lists a model once, however often it is named", async () => {
    await writeTinyModel(at("starter"));
    assert.equal((await list([at("starter"), at("starter/"), at("")])).length, 1);
  });

  it("lists broken models with their problem", async () => {
    await writeTinyModel(at("imported", "half"), { "model.safetensors": undefined });
    await writeTinyModel(at("imported", "other"), { "config.json": '{"model_type":"mamba"}' });
    const models = await list([at("nowhere")]);
    assert.deepEqual(
      models.map(({ name, problem }) => [name, problem?.code]),
      [
        ["half", "MODEL_INCOMPLETE"],
        ["other", "MODEL_UNSUPPORTED"],
        ["nowhere", "MODEL_NOT_FOUND"],
      ],
    );
  });

  it("takes neither unfinished imports nor other folders for models", async () => {
    await writeTinyModel(at("imported", ".Tiny.importing-1-00"));
    await mkdir(at("imported", "photos"));
    await writeFile(at("imported", "file.txt"), "");
    assert.deepEqual(await list(), []);
  });
});
