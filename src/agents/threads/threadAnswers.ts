import type { Clock } from "../../engine/ports";
import type { ChatRequest, GenerationEvent, SamplingOptions } from "../../protocol/service";
import { joinedIds } from "../../text/messages";
import { Past } from "../../text/past";
import { ModelAnswer } from "../modelAnswer";
import type { ModelSession } from "../ports";
import type { RunningAnswer } from "../runningAnswer";
import { resolveSampling } from "../sampling";
import type { Wait } from "../wait";
import { type Asked, askedOf } from "./asked";
import { type Departures, isClosest, type ReadText } from "./departures";
import { SaidAnswer } from "./saidAnswer";
import type { ThreadArchive } from "./threadArchive";
import type { Place, ThreadBook } from "./threadBook";
import { leastAgentRank, type ThreadCaches } from "./threadCaches";
import { assertFits } from "./threadLimits";
import type { ThreadTools } from "./threadTools";

export type Done = Extract<GenerationEvent, { type: "done" }>;

export interface ThreadAnswersPorts {
  readonly book: ThreadBook;
  readonly caches: ThreadCaches;
  readonly archive: ThreadArchive;
  readonly departures: Departures;
  readonly tools: ThreadTools;
  readonly clock: Clock;
  /** The user's settings for answers at the moment. */
  readonly settings: () => SamplingOptions;
}

export interface ThreadAnswer {
  readonly done: Done;
  readonly place: Place;
  readonly isShort: boolean;
}

/** Longest request that counts as short: a title, a progress text, an intent. */
const shortTokens = 2048;

/** Saved conversations whose beginnings are compared. */
const mostRecalled = 8;

/** A short request never needs more than this share of the pool. */
const shortShare = 1 / 8;

/** Answers one request of another program with what was read before. */
export class ThreadAnswers {
  /** By a model's folder: resolves when its saved conversations were looked at. */
  private readonly recalls = new Map<string, Promise<void>>();

  constructor(private readonly ports: ThreadAnswersPorts) {}

  /** Throws INVALID_REQUEST for a request that needs no model to be refused. */
  check(request: ChatRequest): Asked {
    this.ports.tools.of(request.tools);
    return askedOf(request.messages);
  }

  async answer(
    request: ChatRequest,
    asked: Asked,
    session: ModelSession,
    answer: RunningAnswer,
    wait: Wait,
  ): Promise<ThreadAnswer> {
    const { book, caches, archive, departures, tools: lists, clock } = this.ports;
    const { signal } = answer;
    const { prompts } = session.text;
    const { identity, directory } = session;
    const tools = lists.of(request.tools);
    const { thinking, toolMode = "auto" } = request;
    const found = await book.find(
      {
        ...{ model: [directory, identity.weightsId], system: asked.system },
        ...(thinking && { thinking }),
        ...(tools && { tools }),
      },
      asked,
      signal,
    );
    const built = await prompts.buildAfter({ ...found.frame, past: found.past, input: found.input }, signal);
    const { ids } = built;
    assertFits(ids.length, session);
    const sampling = resolveSampling({
      request: request.sampling,
      settings: this.ports.settings(),
      model: session.sampling,
    });
    const constrained = { tools: tools ?? [], toolMode };
    const modelAnswer = new ModelAnswer(session, { ids, sampling, constrained, signal, clock, wait });
    const isShort = this.isShort(request, found, ids.length, session);
    const place = book.settle(found, isShort);
    const { keptSegments, added } = built;
    const nothingSaid = { role: "assistant", content: "" } as const;
    const prompt = new Past(place.past, { input: place.input, answer: nothingSaid, keep: keptSegments, added });
    const read = readText(request, session, place, ids, prompt);
    // The answer need not wait for what only its figures say.
    const departing = isShort ? undefined : this.recalled(session).then(() => departures.of(read));
    const cache = caches.begin(session, ids);
    try {
      const restoreMs = isShort
        ? 0
        : await cache.makeHot(session, ids, await archive.savedFor(place.thread, session, ids), {
            signal,
            onRestoring: (tokens) => answer.emit({ type: "restoring", tokens }),
          });
      const said = new SaidAnswer();
      const { blocks, figures, ...answered } = await modelAnswer.follow({
        submit: (asks) =>
          cache.submit(session, isShort ? { ...asks, priority: "low", sparesRanksBelow: leastAgentRank } : asks),
        figures: (reusedTokens) => ({ restoreMs, cache: cache.sourceOf(reusedTokens) }),
        listener: {
          emit: (event) => answer.emit(event),
          onToken: (_, piece) => said.add(piece),
          mayGoOn: true,
        },
      });
      if (isShort) blocks.release();
      else caches.end(cache, session, blocks, place.thread);
      const segments = prompts.answerSegments({ ids: Int32Array.from(answered.tokenIds), text: said.whole });
      const known = { answer: said.message, keep: keptSegments, added: [...added, ...segments] };
      const after = answered.tokenIds.length === 0 ? prompt : book.add(place, known);
      const departure = await departing;
      if (!isShort) departures.remember(readText(request, session, place, after.ids(), after));
      const done: Done = {
        ...{ type: "done", ...answered },
        figures: departure && isClosest(departure, figures.reusedTokens) ? { ...figures, departure } : figures,
      };
      return { done, place, isShort };
    } catch (error) {
      cache.release();
      throw error;
    }
  }

  /** Once for a model: requests are compared with what earlier processes read, too. */
  private recalled(session: ModelSession): Promise<void> {
    const recall = this.recalls.get(session.directory) ?? this.recall(session);
    this.recalls.set(session.directory, recall);
    return recall;
  }

  private async recall(session: ModelSession): Promise<void> {
    const { archive, departures } = this.ports;
    for (const opening of await archive.openings(session, mostRecalled)) {
      departures.remember({
        ...{ model: session.directory, conversation: undefined, frame: undefined },
        ...{ ids: joinedIds(opening), segments: () => opening },
      });
    }
  }

  /** A request that is not expected to go on: it is short, offers no tools, and follows no answer. */
  private isShort({ conversation, tools = [] }: ChatRequest, place: Place, tokens: number, session: ModelSession) {
    const { totalBlocks, blockTokens } = session.engine.pool;
    const isAlone = conversation === undefined && tools.length === 0 && place.branch.length === 0;
    return isAlone && tokens <= Math.min(shortTokens, shortShare * totalBlocks * blockTokens);
  }
}

function readText(
  { conversation }: ChatRequest,
  { directory }: ModelSession,
  { frame }: Place,
  ids: Int32Array,
  past: Past,
): ReadText {
  return { model: directory, conversation, frame, ids, segments: () => past.segments() };
}
