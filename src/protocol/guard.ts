/** Runtime guards for messages of pages: a page shows text that a model wrote, so the host checks every message. */
import { actionIds, type ContentCommand, type ToHost } from "./page";
import { benchSuiteNames } from "./service";

type Check = (value: unknown) => boolean;

/** One check for each field of each member; the type requires that the table is complete. */
export type GuardTable<Union extends { readonly type: string }> = {
  readonly [Type in Union["type"]]: {
    readonly [Field in Exclude<keyof Extract<Union, { readonly type: Type }>, "type">]-?: Check;
  };
};

const maxTextLength = 4 * 1024 * 1024; // UTF-16 units: more than any context holds

export const isText: Check = (value) => typeof value === "string" && value.length <= maxTextLength;
/** Agent, turn and message ids; the host uses them in file names. */
export const isId: Check = (value) => typeof value === "string" && /^[\w-]{1,128}$/.test(value);
/** A call's id, as another program may have named it. */
export const isCallId: Check = (value) => typeof value === "string" && value.length <= 256;
export const isFlag: Check = (value) => typeof value === "boolean";
/** Serial numbers. */
export const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isLanguage: Check = (value) => typeof value === "string" && /^[\w+#.-]{1,40}$/.test(value);
const isHref: Check = (value) => typeof value === "string" && /^(https?:\/\/|mailto:)[^\s]{1,4000}$/i.test(value);

export function isOneOf(values: readonly string[]): Check {
  return (value) => typeof value === "string" && values.includes(value);
}

export const isAction: Check = isOneOf(actionIds);
export const isSuite: Check = isOneOf(benchSuiteNames);

const maxPathLength = 8192; // UTF-16 units: a URI writes a character in up to nine

/** A path or a URI, as somebody else wrote it; the host decides what it names. */
export const isPath: Check = (value) => typeof value === "string" && value !== "" && value.length <= maxPathLength;

export function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

export function listOf(check: Check, maxLength: number): Check {
  return (value) => Array.isArray(value) && value.length <= maxLength && value.every(check);
}

export const contentCommands: GuardTable<ContentCommand> = {
  copy: { text: isText },
  insertAtCursor: { code: isText },
  newFile: { code: isText, language: optional(isLanguage) },
  openLink: { href: isHref },
};

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasOnly(value: Readonly<Record<string, unknown>>, checks: Readonly<Record<string, Check>>): boolean {
  const known = Object.keys(value).every((key) => Object.hasOwn(checks, key));
  return (
    known && Object.entries(checks).every(([key, check]) => check(Object.hasOwn(value, key) ? value[key] : undefined))
  );
}

/** The guard for a page's messages: accepts exactly the fields in the table, no others and no inherited ones. */
export function guardToHost<Command extends { readonly type: string }>(
  table: GuardTable<Command>,
): (value: unknown) => value is ToHost<Command> {
  const commands: Readonly<Record<string, Readonly<Record<string, Check>>>> = table;
  const isType =
    (expected: string): Check =>
    (value) =>
      value === expected;
  const isCommand: Check = (value) => {
    if (!isRecord(value)) return false;
    const { type } = value;
    if (typeof type !== "string" || !Object.hasOwn(commands, type)) return false;
    return hasOnly(value, { ...commands[type], type: isType(type) });
  };
  return (value): value is ToHost<Command> =>
    isRecord(value) &&
    (hasOnly(value, { type: isType("ready") }) ||
      hasOnly(value, { type: isType("request"), id: isCount, command: isCommand }));
}
