import type { ResidentError } from "../common/errors";
import { modelAdvice } from "../common/modelAdvice";
import { isObject, type JsonObject } from "../text/json";
import { corrupt, unsupported } from "./modelErrors";

/** Members of config.json, with null read as absent, as the writers of these files mean it. */
export class ConfigReader {
  constructor(
    private readonly json: JsonObject,
    private readonly family: string,
  ) {}

  value(key: string): unknown {
    return this.json[key] ?? undefined;
  }

  /** A whole number above 0; `otherwise` where there is none. MODEL_CORRUPT where it is something else. */
  count(key: string, otherwise?: number): number {
    const value = this.value(key) ?? otherwise;
    if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
    throw this.corrupt(key);
  }

  optionalCount(key: string): number | undefined {
    return this.value(key) === undefined ? undefined : this.count(key);
  }

  /** A number, which may be tagged as infinite: `{"__float__": "Infinity"}`. */
  number(key: string): number | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (typeof value === "number") return value;
    const tag = isObject(value) ? value["__float__"] : undefined;
    if (tag === "Infinity" || tag === "-Infinity") return Number(tag);
    throw this.corrupt(key);
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.value(key) ?? otherwise;
    if (typeof value === "boolean") return value;
    throw this.corrupt(key);
  }

  text(key: string): string | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === "string") return value;
    throw this.corrupt(key);
  }

  list(key: string): readonly unknown[] | undefined {
    const value = this.value(key);
    return Array.isArray(value) ? value : undefined;
  }

  object(key: string): JsonObject | undefined {
    const value = this.value(key);
    if (value === undefined || isObject(value)) return value;
    throw this.corrupt(key);
  }

  /** A reader of the object `key`. */
  inner(key: string): ConfigReader | undefined {
    const value = this.object(key);
    return value === undefined ? undefined : new ConfigReader(value, this.family);
  }

  corrupt(key: string): ResidentError {
    return corrupt(`config.json has no valid ${key}`, { file: "config.json", key });
  }

  /** The same words as the loader's (native/src/core/config.cc). */
  unsupported(what: string): ResidentError {
    return unsupported(`config.json: ${what} is not supported`, modelAdvice, {
      unsupported: what,
      family: this.family,
    });
  }
}
