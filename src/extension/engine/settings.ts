/** The meaning of the settings without VS Code: limits, units, and the options that the core is started with. */
import { join } from "node:path";
import { isKvDtype } from "../../common/kvDtypes";
import type { ServiceOptions } from "../../protocol/service";
import { type SettingId, settings } from "../contributions";
import { type ReadSetting, samplingOf } from "./answerSettings";

export interface NumberLimits {
  readonly minimum: number;
  readonly maximum: number;
  readonly default: number;
}

const bytesPerMB = 2 ** 20;
const bytesPerGB = 2 ** 30;

/** package.json states the same limits (a unit test compares); the editor warns, and values outside are clamped here. */
export const numberSettings = {
  [settings.modelThreads]: { minimum: 0, maximum: 256, default: 0 },
  [settings.modelUnloadAfterMinutes]: { minimum: 0, maximum: 1440, default: 30 },
  [settings.serversSilentMinutes]: { minimum: 1, maximum: 1440, default: 10 },
  [settings.poolBlockTokens]: { minimum: 16, maximum: 512, default: 64 },
  [settings.storeQuotaGB]: { minimum: 1, maximum: 1024, default: 8 },
  [settings.toolsMostSteps]: { minimum: 1, maximum: 1000, default: 40 },
  [settings.toolsMostMinutes]: { minimum: 1, maximum: 1440, default: 30 },
  [settings.filesRenewShare]: { minimum: 0, maximum: 1, default: 0.2 },
} as const satisfies Readonly<Partial<Record<SettingId, NumberLimits>>>;

/** The same for a setting that has no value by default: `null`. */
export const poolSizeLimits = { minimum: 64, maximum: 1_048_576, default: null } as const;

export type NumberSettingId = keyof typeof numberSettings;

export function numberSetting(read: ReadSetting, id: NumberSettingId): number {
  const limits = numberSettings[id];
  const value = read(id);
  if (typeof value !== "number" || !Number.isFinite(value)) return limits.default;
  return Math.min(limits.maximum, Math.max(limits.minimum, value));
}

/** `undefined`: the core decides. */
export function poolSizeMB(read: ReadSetting): number | undefined {
  const value = read(settings.poolSizeMB);
  if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
  return Math.min(poolSizeLimits.maximum, Math.max(poolSizeLimits.minimum, value));
}

export interface Places {
  readonly home: string;
  readonly starterModel: string;
  readonly nativeStage: string;
  readonly reference?: string;
  /** The person's home folder. */
  readonly userHome: string;
}

export function serviceOptionsOf(read: ReadSetting, places: Places): ServiceOptions {
  const defaultModel = read(settings.modelDefault);
  const folders = read(settings.modelFolders);
  const sizeMB = poolSizeMB(read);
  return {
    ...places,
    ...(typeof defaultModel === "string" && defaultModel.trim() !== "" ? { defaultModel: defaultModel.trim() } : {}),
    modelFolders: [join(places.home, "models"), ...(Array.isArray(folders) ? folders.filter(isText) : [])],
    ...(sizeMB === undefined ? {} : { poolBytes: Math.round(sizeMB * bytesPerMB) }),
    blockTokens: Math.round(numberSetting(read, settings.poolBlockTokens)),
    sampling: samplingOf(read),
    threads: Math.round(numberSetting(read, settings.modelThreads)),
    ...kvDtypeOf(read(settings.poolPrecision)),
    unloadAfterMs: numberSetting(read, settings.modelUnloadAfterMinutes) * 60_000,
    serverSilenceMs: numberSetting(read, settings.serversSilentMinutes) * 60_000,
    promptLookup: read(settings.modelPromptLookup) !== false,
    storeQuotaBytes: Math.round(numberSetting(read, settings.storeQuotaGB) * bytesPerGB),
  };
}

/** Anything but a known format means the activations' own. */
function kvDtypeOf(value: unknown): Pick<ServiceOptions, "kvDtype"> {
  return isKvDtype(value) ? { kvDtype: value } : {};
}

/**
 * The pool's next size: room for the `needed` blocks where the pool has `total`, else twice its current size. If the
 * current size is unknown, 1,024 MB.
 */
export function grownPoolMB(
  current: number | undefined,
  needed: number | undefined,
  total: number | undefined,
): number {
  const currentMB = current ?? 512;
  const factor = needed !== undefined && total !== undefined && total > 0 ? Math.max(1, needed / total) : 2;
  const stepMB = 64;
  return Math.min(poolSizeLimits.maximum, Math.ceil((currentMB * factor) / stepMB) * stepMB);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "";
}
