import type { HarmonyFormat } from "./formats";
import { argumentsOf } from "./jsonCalls";
import { readJson } from "./lenientJson";
import { behindSpace } from "./textReader";
import type { ReadCalls, Reading } from "./written";

/** What stands before the text of a message: role, channel, recipient, type, in any order and with any of the marks. */
export interface HarmonyHeader {
  readonly channel: string | undefined;
  /** The tool's name. `undefined`: the message is no call. */
  readonly recipient: string | undefined;
  /** Where the message's text begins. */
  readonly end: number;
}

/** Longer ones are none. */
const longestHeader = 512;
const recipient = /\bto\s*=\s*(?:functions?[.:])?([\w.-]+)|\bfunctions[.:]([\w.-]+)/;
const channel = /\b(analysis|commentary|final)\b/;

/**
 * The header at the beginning of `text`. It ends with its mark; of a call whose mark was forgotten, where an object
 * begins. `undefined`: it has not ended.
 */
export function harmonyHeader(text: string, { message }: HarmonyFormat): HarmonyHeader | undefined {
  const head = text.slice(0, longestHeader);
  const mark = head.indexOf(message);
  const brace = head.indexOf("{");
  const found = (end: number, behind: number) => {
    const said = head.slice(0, end);
    const named = recipient.exec(said);
    return { channel: channel.exec(said)?.[1], recipient: named?.[1] ?? named?.[2], end: behind };
  };
  if (mark >= 0 && (brace < 0 || mark < brace)) return found(mark, mark + message.length);
  if (brace < 0) return undefined;
  const header = found(brace, brace);
  return header.recipient === undefined ? undefined : header;
}

/** Whether a message with this header is for a tool. */
export function isHarmonyCall(header: string): boolean {
  return recipient.test(header.slice(0, longestHeader));
}

/** Whether a header can still end. */
export function isHeaderTooLong(text: string): boolean {
  return text.length > longestHeader;
}

/** The call that a message with a recipient is. Its text is an object, or nothing. */
export function readHarmonyCall(text: string, format: HarmonyFormat, reading: Reading): ReadCalls | undefined {
  const header = harmonyHeader(text, format);
  if (header?.recipient === undefined) return undefined;
  const name = header.recipient;
  const start = behindSpace(text, header.end);
  if (start >= text.length) {
    return { calls: [{ name, arguments: new Map(), start, end: start }], end: start, isWhole: reading !== "cut" };
  }
  const read = readJson(text, start, reading);
  const given = read && argumentsOf(read.value, reading);
  if (read === undefined || given === undefined) return undefined;
  const end = behindSpace(text, read.end);
  return { calls: [{ name, arguments: given, start, end: read.end }], end: read.end, isWhole: end >= text.length };
}
