import { type BenchReport, type BenchRow, benchSuiteNames } from "../protocol/service";
import {
  asObject,
  type JsonObject,
  MalformedJson,
  parseObject,
  readNumber,
  readOneOf,
  readString,
} from "../store/json";

/** Parses a report from the text of its file; `undefined` if the text is not a report. */
export function parseBenchReport(text: string): BenchReport | undefined {
  try {
    const object = parseObject(text);
    const rows: unknown = object["rows"];
    if (!Array.isArray(rows)) return undefined;
    return {
      suite: readOneOf(object, "suite", benchSuiteNames),
      at: readString(object, "at"),
      machine: readString(object, "machine"),
      rows: rows.map((row: unknown) => parseRow(asObject(row, "row"))),
    };
  } catch (error) {
    if (error instanceof MalformedJson) return undefined;
    throw error;
  }
}

function parseRow(object: JsonObject): BenchRow {
  const extras: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(object)) {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") extras[name] = value;
  }
  return {
    ...extras,
    case: readString(object, "case"),
    n: readNumber(object, "n"),
    p50Ms: readNumber(object, "p50Ms"),
    p95Ms: readNumber(object, "p95Ms"),
    p99Ms: readNumber(object, "p99Ms"),
  };
}
