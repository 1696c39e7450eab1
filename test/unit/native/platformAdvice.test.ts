import assert from "node:assert/strict";
import { missingKernels, type PlatformFacts, platformProblem } from "../../../src/native/platformAdvice";

const mac: PlatformFacts = {
  system: "darwin",
  processor: "arm64",
  isTranslated: false,
  kernel: "24.6.0",
  folder: "/Users/me/.vscode/extensions/resident/native/stage/darwin-arm64",
  said: "dlopen(resident.node): something",
};

describe("an addon that cannot be loaded", () => {
  const cases: readonly [title: string, facts: Partial<PlatformFacts>, why: RegExp, advice: RegExp][] = [
    ["names Rosetta", { processor: "x64", isTranslated: true }, /Rosetta/, /VS Code, or of Node, for Apple silicon/],
    ["names an Intel Mac", { processor: "x64" }, /Intel processor/, /Remote - SSH/],
    ["names a macOS that is too old", { kernel: "22.6.0" }, /too old/, /macOS 14 or newer/],
    [
      "names the command that lifts a quarantine, for the extension's whole folder",
      {
        said: "dlopen(x): code signature in <1> not valid for use in process: library load disallowed by system policy",
      },
      /refuses to load it/,
      /xattr -dr com\.apple\.quarantine "\/Users\/me\/\.vscode\/extensions\/resident"/,
    ],
    [
      "names the package for older systems",
      { said: "Library not loaded: libmlx.dylib (built for macOS 26.2 which is newer than running OS)" },
      /newer macOS/,
      /package for macOS 14/,
    ],
  ];
  for (const [title, facts, why, advice] of cases) {
    it(title, () => {
      const problem = platformProblem({ ...mac, ...facts });
      assert.match(problem?.why ?? "", why);
      assert.match(problem?.advice ?? "", advice);
    });
  }

  it("is left to what the system says where nothing is known, and on Linux", () => {
    assert.equal(platformProblem(mac), undefined);
    assert.equal(platformProblem({ ...mac, kernel: "25.2.0", said: undefined }), undefined);
    assert.equal(platformProblem({ ...mac, system: "linux", processor: "x64", kernel: "6.1.0" }), undefined);
  });
});

describe("Metal's kernels", () => {
  const folder = "/stage/darwin-arm64";
  const kernels = "/stage/darwin-arm64/mlx/lib/mlx.metallib";

  it("are missed before MLX computes, on a Mac only", () => {
    assert.equal(
      missingKernels("darwin", folder, () => false),
      kernels,
    );
    assert.equal(
      missingKernels("darwin", folder, (file) => file === kernels),
      undefined,
    );
    assert.equal(
      missingKernels("linux", folder, () => false),
      undefined,
    );
  });
});
