/** Why was it read again? Compares a request with what was read before. */
import type { Log } from "../../common/log";
import { commonPrefix } from "../../engine/tokenHistory";
import type { Departure } from "../../protocol/service";
import { escapeCharacter } from "../../text/markedText";
import type { Segment } from "../../text/messages";
import type { PromptFrame } from "../../text/prompt";

/** A prompt, or a prompt with its answer. */
export interface ReadText {
  readonly model: string;
  readonly conversation: string | undefined;
  /** Unknown of a text that another process read. */
  readonly frame: PromptFrame | undefined;
  readonly ids: Int32Array;
  /** Those of `ids`, from the first. */
  readonly segments: () => readonly Segment[];
}

/** Several conversations, each with some branches. */
const mostRemembered = 24;

/** Characters of an excerpt: before the difference at most, and all of it. */
const [charactersBefore, excerptLength] = [24, 64];

/** More was reused than agrees with the text compared: another one, read by an earlier process, agrees longer. */
export function isClosest({ atToken }: Departure, reusedTokens: number): boolean {
  return reusedTokens <= atToken;
}

/** A place that changes so many times in a row is said in the log. */
const timesToSay = 3;

/** In the life of a process. */
const mostSaid = 256;

export class Departures {
  /** Newest last. */
  private remembered: ReadText[] = [];
  private readonly repeats = new Map<string, { readonly atToken: number; readonly times: number }>();
  private readonly said = new Set<string>();

  constructor(private readonly log: Log) {}

  /** Where `asked` departs from the text that agrees most with it; `undefined`: it continues that, or nothing agrees. */
  of(asked: ReadText): Departure | undefined {
    const before = this.closestTo(asked);
    if (before === undefined) return undefined;
    const atToken = commonPrefix(before.ids, asked.ids);
    if (atToken === Math.min(before.ids.length, asked.ids.length)) return undefined;
    const texts = firstDifference(textOf(before), textOf(asked));
    if (texts === undefined) return undefined;
    const departure = { atToken, ...texts };
    this.note(before, asked, departure);
    return departure;
  }

  /** What was read is compared with later requests. It takes the place of the texts that it continues. */
  remember(read: ReadText): void {
    const others = this.remembered.filter(
      ({ ids, model }) => model !== read.model || commonPrefix(ids, read.ids) < ids.length,
    );
    this.remembered = [...others, read].slice(-mostRemembered);
  }

  clear(): void {
    this.remembered = [];
    this.repeats.clear();
  }

  /** Where several agree equally, one of the same conversation before others, then the newest. */
  private closestTo(asked: ReadText): ReadText | undefined {
    const { conversation } = asked;
    let closest: ReadText | undefined;
    let most = -1;
    for (const read of this.remembered) {
      if (read.model !== asked.model) continue;
      const isSame = conversation !== undefined && read.conversation === conversation;
      const agreeing = commonPrefix(read.ids, asked.ids) + (isSame ? 0.5 : 0);
      if (agreeing < most) continue;
      closest = read;
      most = agreeing;
    }
    return closest;
  }

  /** Says once that the same place changes in every request. */
  private note(before: ReadText, asked: ReadText, { atToken, before: was, now }: Departure): void {
    const name = asked.conversation ?? asked.model;
    const last = this.repeats.get(name);
    const times = last?.atToken === atToken ? last.times + 1 : 1;
    this.repeats.delete(name);
    this.repeats.set(name, { atToken, times });
    const [oldest] = this.repeats.keys();
    if (this.repeats.size > mostRemembered && oldest !== undefined) this.repeats.delete(oldest);
    const place = `${name} ${atToken}`;
    if (times < timesToSay || this.said.has(place) || this.said.size >= mostSaid) return;
    this.said.add(place);
    const part = changedPart(before.frame, asked.frame);
    this.log.log(
      "warn",
      `${part} at token ${atToken} every time: everything after it is read again (it was ${was}, now it is ${now})`,
    );
  }
}

function changedPart(before: PromptFrame | undefined, now: PromptFrame | undefined): string {
  if (before === undefined || now === undefined) return "the prompt changes";
  if (before.system !== now.system) return "the system prompt changes";
  if (before.tools !== now.tools) return "the list of tools changes";
  return "the conversation changes";
}

function textOf({ segments }: ReadText): string {
  return segments()
    .map(({ text }) => text)
    .join("");
}

/** Both texts from the beginning of the word in which they differ; `undefined`: one of them is the beginning of the other. */
function firstDifference(before: string, now: string): Pick<Departure, "before" | "now"> | undefined {
  const end = Math.min(before.length, now.length);
  let at = 0;
  while (at < end && before.charCodeAt(at) === now.charCodeAt(at)) at += 1;
  if (at === end) return undefined;
  const line = before.slice(Math.max(0, at - charactersBefore), at);
  const start = at - (/\S*$/.exec(line)?.[0].length ?? 0);
  return { before: excerpt(before, start, at), now: excerpt(now, start, at) };
}

/** One line from `start`, at least up to the difference at `at`. Ends of lines before that are shown as a sign. */
function excerpt(text: string, start: number, at: number): string {
  const rest = text.slice(start, start + 4 * excerptLength).replaceAll(escapeCharacter, "");
  const lineEnd = rest.indexOf("\n", at - start + 1);
  const line = (lineEnd < 0 ? rest : rest.slice(0, lineEnd)).replace(/\r?\n/g, "↵").replace(/\p{Cc}/gu, " ");
  const shown = [...line].slice(0, excerptLength).join("");
  return `${start > 0 ? "…" : ""}${shown}${shown.length < line.length ? "…" : ""}`;
}
