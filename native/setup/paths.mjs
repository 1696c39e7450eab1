import path from "node:path";
import { fileURLToPath } from "node:url";
import { platform, starterName } from "./pins.mjs";

export const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const native = path.join(root, "native");

export const cacheDirectory = path.join(native, ".cache");
export const mlxDirectory = path.join(native, "mlx", platform);
export const buildDirectory = path.join(native, "build", platform);
export const stageDirectory = path.join(native, "stage", platform);
export const modelDirectory = path.join(native, "models", starterName);
export const clangFormatDirectory = path.join(cacheDirectory, "clang-format");
export const starterWheelDirectory = path.join(cacheDirectory, "starter-model");
