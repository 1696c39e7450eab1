/**
 * Commands are reached from the palette (no argument), from trees and panels (an element), from keybindings and tests
 * (a plain object): what arrives is unknown and is read field by field.
 */
import { InvalidRequestError } from "../../common/errors";

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(argument: unknown): Fields {
  return isFields(argument) ? argument : {};
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function textField(argument: unknown, name: string): string | undefined {
  const value = fieldsOf(argument)[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  throw new InvalidRequestError(`"${name}" must be text`, `pass "${name}" as a string`, { name });
}

/** A list of texts; one text is a list of one. */
export function textsField(argument: unknown, name: string): readonly string[] | undefined {
  const value = fieldsOf(argument)[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return [value];
  const texts: readonly unknown[] = Array.isArray(value) ? value : [undefined];
  if (texts.every((text) => typeof text === "string")) return texts;
  throw new InvalidRequestError(`"${name}" must be a list of texts`, `pass "${name}" as one`, { name });
}

/** Any finite number: whether it makes sense is the service's to say. */
export function numberField(argument: unknown, name: string): number | undefined {
  const value = fieldsOf(argument)[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new InvalidRequestError(`"${name}" must be a number`, `pass "${name}" as a number`, { name });
}

/** An object of finite numbers by name; `null` in it stands for a number that is not there. */
export function numbersField(argument: unknown, name: string): Readonly<Record<string, number>> | undefined {
  const value = fieldsOf(argument)[name];
  if (value === undefined || value === null) return undefined;
  if (!isFields(value)) throw new InvalidRequestError(`"${name}" must be an object`, `pass "${name}" as one`, { name });
  const numbers = Object.keys(value).map((key) => [key, numberField(value, key)] as const);
  return Object.fromEntries(numbers.flatMap(([key, number]) => (number === undefined ? [] : [[key, number]])));
}

export function flagField(argument: unknown, name: string): boolean {
  return fieldsOf(argument)[name] === true;
}

/** The agent that a command is about: an id or a name, `{ agent }`, or a tree element with an `id`. */
export function agentArgument(argument: unknown): string | undefined {
  if (typeof argument === "string") return argument;
  return textField(argument, "agent") ?? textField(argument, "id");
}
