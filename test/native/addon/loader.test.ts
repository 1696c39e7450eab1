import assert from "node:assert/strict";
import { cp, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { ResidentError } from "../../../src/common/errors";
import { addonFile, loadAddon, platformName } from "../../../src/native/loader";
import { temporaryFolder } from "../../support/models/folders";
import { stageRoot } from "../../support/native/nativeRig";

describe("Loading the addon", () => {
  const folder = temporaryFolder();
  const refusal = (stage: string): ResidentError => {
    try {
      loadAddon(stage);
    } catch (error) {
      if (error instanceof ResidentError) return error;
      throw error;
    }
    return assert.fail("loaded");
  };
  const put = async (platform: string, content: string) => {
    await mkdir(path.join(folder.path, platform));
    await writeFile(path.join(folder.path, platform, addonFile), content);
  };

  it("says that nothing is there", () => {
    const error = refusal(path.join(folder.path, "none"));
    assert.equal(error.code, "ADDON_MISSING");
    assert.match(error.what, /does not exist/);
    assert.equal(error.facts["platform"], platformName);
  });

  it("names the platform that the addon is for when it is another one", async () => {
    await put("plan9-mips", "");
    assert.match(refusal(folder.path).what, /there is one for plan9-mips only/);
  });

  it("passes on why a file cannot be loaded", async () => {
    await put(platformName, "no library");
    assert.equal(refusal(folder.path).code, "ADDON_MISSING");
  });

  it("works from a folder that was moved, with a space in its name", async () => {
    const moved = path.join(folder.path, "moved stage");
    await cp(path.join(stageRoot, platformName), path.join(moved, platformName), { recursive: true });
    assert.match(loadAddon(moved).versions().mlx, /^\d/);
  });
});
