import assert from "node:assert/strict";
import { modelFolderName } from "../../../src/models/modelFolderName";

describe("The name of an imported model", () => {
  it("is the wanted one, else the file's", () => {
    assert.equal(modelFolderName("/a b/Qwen3-0.6B-Q8_0.gguf"), "Qwen3-0.6B-Q8_0");
    assert.equal(modelFolderName("/x/file.GGUF", " My model "), "My model");
    assert.equal(modelFolderName("/x/Big-Q4_K_M-00002-of-00004.gguf"), "Big-Q4_K_M");
  });

  it("cannot leave the models' folder or hide in it", () => {
    for (const name of ["", " ", "..", ".hidden", "a/b", "a\\b", "c:d", "a\nb"]) {
      assert.throws(() => modelFolderName("/x/file.gguf", name), /INVALID_REQUEST/, name);
    }
  });
});
