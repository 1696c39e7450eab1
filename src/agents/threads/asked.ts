/** A request of another program as steps: what was said before, each with its answer, and what is to be answered now. */
import { InvalidRequestError } from "../../common/errors";
import type { AnswerMessage, ChatMessage, ResultMessage, SaidToModel } from "../../common/messages";
import type { ToolCall } from "../../common/tools";
import { inWords } from "../../text/attachedText";

/** The messages that came before an answer: at least one, except where two answers follow each other. */
export interface AskedStep {
  readonly input: readonly ChatMessage[];
  readonly answer: AnswerMessage;
}

export interface Asked {
  /** The system message at the very beginning; empty: there is none. Others stay where they are. */
  readonly system: string;
  readonly past: readonly AskedStep[];
  /** The messages to answer; at least one. */
  readonly input: readonly ChatMessage[];
}

/** Throws INVALID_REQUEST for messages that nobody could answer, with the number of the message, from 1. */
export function askedOf(messages: readonly ChatMessage[]): Asked {
  if (messages.length === 0) throw new InvalidRequestError("the request has no messages", "send at least one message");
  const [first] = messages;
  const system = first?.role === "system" ? textOf(first, 1) : undefined;
  const past: AskedStep[] = [];
  let input: ChatMessage[] = [];
  let calls = new Map<string, ToolCall>();
  let answered = new Set<string>();
  messages.forEach((message, index) => {
    const number = index + 1;
    if (index === 0 && system !== undefined) return;
    switch (message.role) {
      case "system":
      case "user":
        input.push({ role: message.role, content: textOf(message, number) } satisfies SaidToModel);
        return;
      case "tool":
        input.push(resultOf(message, number, calls, answered));
        return;
      case "assistant":
        past.push({ input, answer: answerOf(message, number) });
        input = [];
        calls = new Map(message.calls?.map((call) => [call.id, call]));
        answered = new Set();
        return;
      default:
        throw new InvalidRequestError(
          `message ${number} has a role that models do not know`,
          "send messages of system, user, assistant and tool",
          { message: number },
        );
    }
  });
  assertAnswerable(input, past, messages.length);
  return { system: system ?? "", past, input };
}

function assertAnswerable(input: readonly ChatMessage[], past: readonly AskedStep[], count: number): void {
  if (input.length === 0 && past.length > 0) {
    throw new InvalidRequestError(
      "the last message is an answer: there is nothing to answer",
      "send a message of the user, or results of its calls, after it",
      { message: count },
    );
  }
  if (input.every(({ role }) => role === "system")) {
    throw new InvalidRequestError(
      "the request has instructions only: there is nothing to answer",
      "send a message of the user after them",
      { messages: count },
    );
  }
  if (input.every(({ role, content }) => role !== "tool" && content.trim() === "")) {
    throw new InvalidRequestError("the message is empty", "write something to answer", { message: count });
  }
}

function textOf(message: ChatMessage, number: number): string {
  const { content } = inWords(message);
  if (typeof content === "string") return content;
  throw new InvalidRequestError(`message ${number} has no text`, "send its content as a text", { message: number });
}

/** Calls of one answer must differ in their ids: their results name them. */
function answerOf(message: AnswerMessage, number: number): AnswerMessage {
  const { calls = [], thought = "", raw } = message;
  const content = textOf(message, number);
  if (new Set(calls.map(({ id }) => id)).size < calls.length) {
    throw new InvalidRequestError(
      `message ${number} has two calls of one id`,
      "give each call of an answer an id of its own",
      { message: number, calls: calls.length },
    );
  }
  return {
    ...{ role: "assistant", content },
    ...(thought === "" ? {} : { thought }),
    ...(calls.length === 0 ? {} : { calls }),
    ...(raw === undefined ? {} : { raw }),
  };
}

/** A result belongs to the answer right before it. */
function resultOf(
  message: ResultMessage,
  number: number,
  calls: ReadonlyMap<string, ToolCall>,
  answered: Set<string>,
): ResultMessage {
  const call = calls.get(message.call);
  if (call === undefined) {
    throw new InvalidRequestError(
      `message ${number} is the result of a call that the answer before it did not make`,
      "send the answer with its calls, then one result for each",
      { message: number, call: String(message.call) },
    );
  }
  if (answered.has(call.id)) {
    throw new InvalidRequestError(`message ${number} is a second result of one call`, "send one result for each call", {
      message: number,
      call: call.id,
    });
  }
  answered.add(call.id);
  const result = { role: "tool", content: textOf(message, number), call: call.id, name: call.name } as const;
  return message.failed === true ? { ...result, failed: true } : result;
}

/**
 * The results in `input` name the calls by the ids that the other program sent; a known answer has its own. Calls are
 * the same in the same place.
 */
export function withCallsOf(
  input: readonly ChatMessage[],
  sent: AnswerMessage | undefined,
  known: AnswerMessage | undefined,
): readonly ChatMessage[] {
  const ids = new Map(sent?.calls?.map(({ id }, index) => [id, known?.calls?.[index]?.id ?? id]));
  const isSame = [...ids].every(([from, to]) => from === to);
  if (isSame) return input;
  return input.map((message) =>
    message.role === "tool" ? { ...message, call: ids.get(message.call) ?? message.call } : message,
  );
}
