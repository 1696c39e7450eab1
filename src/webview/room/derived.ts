/** What the room shows that follows from its state. Pure. */
import type { Formats } from "../../common/format";
import { shownName } from "../../common/shownName";
import type { RoomAnswer, RoomMember, RoomMessage, RoomMessageId, RoomSnapshot } from "../../protocol/room";
import type { AgentId, TurnFigures } from "../../protocol/service";
import { figuresInSum } from "../../protocol/turnSteps";
import { engineBlocks } from "../shared/engineNotice";
import { plural, progressLine } from "../shared/progress";
import { isSilent } from "../shared/turnUpdates";
import { addressed, answering } from "./mention";

export function isRunning(answer: RoomAnswer): boolean {
  return answer.refusal === undefined && (answer.turn === undefined || answer.turn.state === "running");
}

export function runningAgents({ messages }: RoomSnapshot): ReadonlySet<AgentId> {
  return new Set(messages.flatMap(({ answers }) => answers.filter(isRunning).map(({ agent }) => agent)));
}

/** Right of an answer's name. */
export function answerState({ turn, refusal }: RoomAnswer, formats: Formats, isNewest = true): string {
  if (refusal) return "not asked";
  switch (turn?.state) {
    case undefined:
      return "starting";
    case "running":
      return isSilent(turn) ? waitingState(turn.progress, formats) : answeringState(turn, formats);
    case "done":
      if (isWaiting(turn) && isNewest) return `waits for ${plural(turn.calls?.length ?? 0, "result", formats)}`;
      return turn.finishReason === "aborted" ? "stopped" : "done";
    case "interrupted":
      return "interrupted";
    case "failed":
      return "failed";
  }
}

/** Its answer ended with calls, and the room knows of nothing that followed them. */
export function isWaiting({ state, finishReason }: Turn): boolean {
  return state === "done" && finishReason === "calls";
}

type Turn = NonNullable<RoomAnswer["turn"]>;

function waitingState(progress: Turn["progress"], formats: Formats): string {
  const line = progressLine(progress, formats);
  switch (progress?.type) {
    case "prefill":
      return line.remaining ? `reading, ${line.remaining}` : "reading";
    case "queued":
      return `waiting, ${line.details.join(", ")}`;
    default:
      return line.title.toLowerCase();
  }
}

function answeringState({ figures }: Turn, formats: Formats): string {
  const rate = figures?.decodeTokensPerSecond ?? 0;
  return rate > 0 ? `answering, ${formats.rate(rate)} tok/s` : "answering";
}

/** Of all steps of an answer. */
export function answerFigures({ earlier = [], turn }: RoomAnswer): TurnFigures | undefined {
  return figuresInSum([...earlier, ...(turn ? [turn] : [])].map(({ figures }) => figures));
}

/** Above the answers: how many have ended, or what they took. */
export function summary({ answers, askedAt, endedAt }: RoomMessage, formats: Formats): string {
  const taken = answers.filter(({ refusal }) => refusal === undefined);
  const ended = taken.filter((answer) => !isRunning(answer));
  const failed = ended.filter(({ turn }) => turn?.state === "failed");
  const others = [
    ...(failed.length === 0 ? [] : [`${formats.count(failed.length)} failed`]),
    ...(taken.length === answers.length ? [] : [`${formats.count(answers.length - taken.length)} not asked`]),
  ];
  if (ended.length < taken.length)
    return [`${formats.count(ended.length)} of ${formats.count(taken.length)} finished`, ...others].join(", ");
  if (taken.length === failed.length) return others.join(", ");
  const tokens = ended.reduce((sum, answer) => sum + (answerFigures(answer)?.generatedTokens ?? 0), 0);
  return [
    plural(taken.length - failed.length, "answer", formats),
    plural(tokens, "token", formats),
    ...(endedAt === undefined ? [] : [formats.duration(endedAt - askedAt)]),
    ...others,
  ].join(", ");
}

/** The agents whose newest answer in the room belongs to each message. */
export function newestAnswers(messages: readonly RoomMessage[]): ReadonlyMap<RoomMessageId, ReadonlySet<AgentId>> {
  const seen = new Set<AgentId>();
  const newest = new Map<RoomMessageId, ReadonlySet<AgentId>>();
  for (const { id, answers } of [...messages].reverse()) {
    const own = answers.filter(({ agent, turn }) => turn && !seen.has(agent)).map(({ agent }) => agent);
    newest.set(id, new Set(own));
    for (const agent of own) seen.add(agent);
  }
  return newest;
}

/** "To all (3)", "To Test writer" */
export function targetLabel(draft: string, members: readonly RoomMember[], formats: Formats): string {
  const { to } = addressed(draft, members);
  if (to === "all") return `To all (${formats.count(answering(members).length)})`;
  const name = members.find(({ agent }) => agent.id === to[0])?.agent.name;
  return `To ${shownName(name ?? to[0] ?? "")}`;
}

/** Why this draft cannot be sent now, one sentence. */
export function askBlocked(snapshot: RoomSnapshot, draft: string): string | undefined {
  const engine = engineBlocks(snapshot.engine);
  if (engine !== undefined) return engine;
  const { to } = addressed(draft, snapshot.members);
  const all = snapshot.members.filter(({ asked }) => asked).map(({ agent }) => agent.id);
  const targets = to === "all" ? all : to;
  if (targets.length === 0) return "No agent in the room is asked.";
  const running = runningAgents(snapshot);
  return targets.some((agent) => running.has(agent)) ? "Available when the answers have ended." : undefined;
}

/** What changed between two states of the room, for the live region; the last change wins. */
export function roomAnnouncement(before: RoomSnapshot, after: RoomSnapshot, formats: Formats): string {
  let said = "";
  for (const message of after.messages) {
    const old = before.messages.find(({ id }) => id === message.id);
    if (old === message) continue;
    for (const answer of message.answers) {
      const was = old?.answers.find(({ agent }) => agent === answer.agent);
      said = answerAnnouncement(was, answer, formats) || said;
    }
  }
  return said;
}

function answerAnnouncement(before: RoomAnswer | undefined, after: RoomAnswer, formats: Formats): string {
  const stage = stageOf(after);
  if (!before || stage === stageOf(before)) return "";
  const tokens = formats.count(after.turn?.figures?.generatedTokens ?? 0);
  switch (stage) {
    case "reading":
    case "answering":
      return `${after.name} is ${stage}`;
    case "done":
      return `${after.name} finished, ${tokens} tokens`;
    case "waits":
      return `${after.name} waits for ${plural(after.turn?.calls?.length ?? 0, "result", formats)}`;
    case "stopped":
      return `${after.name} stopped, ${tokens} tokens kept`;
    case "not asked":
      return `${after.name} was not asked`;
    default:
      return ""; // failures are alerts of their own
  }
}

function stageOf({ turn, refusal }: RoomAnswer): string {
  if (refusal) return "not asked";
  if (!turn) return "";
  if (isWaiting(turn)) return "waits";
  if (turn.state !== "running") return turn.finishReason === "aborted" ? "stopped" : turn.state;
  if (!isSilent(turn)) return "answering";
  return turn.progress?.type === "prefill" ? "reading" : "";
}
