import { isObject, listOf, objectOf } from "../common/json";
import {
  type ServerAnswer,
  type ServerPiece,
  type ServerUsage,
  type ThoughtField,
  thoughtFields,
} from "../common/serverAnswer";
import { type AssembledCalls, CallAssembler, mostCallCharacters, mostCalls } from "./callAssembler";
import type { ServerChatRequest } from "./chatBody";
import { InlineThought } from "./inlineThought";
import { ServerFailure } from "./serverErrors";
import { usageIn } from "./serverUsage";
import { tooLarge } from "./statusErrors";

/** Of text and thought together. */
const mostCharacters = 16 << 20;

/** Reads the events of one answer. Parsed JSON of any shape is taken; what has another shape than expected is left out. */
export class AnswerReader {
  /** Something of the answer has come. */
  hasBegun = false;
  /** The server said why the answer ended. */
  finish: string | undefined;
  private readonly calls = new CallAssembler();
  private readonly inline: InlineThought;
  private usage: ServerUsage = {};
  private thoughtField: ThoughtField | undefined;
  private characters = 0;

  constructor(
    private readonly request: ServerChatRequest,
    private readonly host: string,
    private readonly onEvent: (event: ServerPiece) => void,
  ) {
    const last = request.messages.at(-1);
    this.inline = new InlineThought(last?.role === "assistant" && last.content !== "");
  }

  /** Throws SERVER_FAILURE where the answer is too large. */
  push(event: unknown): void {
    const { choices } = objectOf(event);
    this.usage = { ...this.usage, ...usageIn(event) };
    const choice = objectOf(listOf(choices)[0]);
    this.read(objectOf(isObject(choice["delta"]) ? choice["delta"] : choice["message"]));
    const reason = choice["finish_reason"];
    if (typeof reason === "string" && reason !== "") this.finish = reason;
  }

  /** Gives out what was held back, also where the answer broke. */
  flush(): void {
    const { thought, text } = this.inline.finish();
    this.say("thinking", thought);
    this.say("text", text);
  }

  /** Throws SERVER_FAILURE where the server ended the answer for a reason of its own. */
  answer(): ServerAnswer {
    this.flush();
    const finish = this.finish ?? "stop";
    if (finish === "content_filter") throw stoppedBy(this.host, "its filter");
    if (/^(error|abort|cancel)/i.test(finish)) throw stoppedBy(this.host, finish.slice(0, 40));
    const isCut = /length|max_?tokens/i.test(finish);
    const { calls, dropped } = this.assembled(isCut);
    return {
      finishReason: isCut ? "length" : calls.length > 0 ? "calls" : "stop",
      calls,
      dropped,
      usage: this.usage,
      ...(this.thoughtField === undefined ? {} : { thoughtField: this.thoughtField }),
    };
  }

  private assembled(isCut: boolean): AssembledCalls {
    const { readCall, messages, newId } = this.request;
    const used = messages.flatMap((message) => (message.role === "assistant" ? (message.calls ?? []) : []));
    return this.calls.finish(readCall, new Set(used.map(({ id }) => id)), newId, isCut);
  }

  private read(delta: ReturnType<typeof objectOf>): void {
    for (const field of thoughtFields) {
      const thought = delta[field];
      if (typeof thought !== "string" || thought === "") continue;
      this.thoughtField ??= field;
      this.say("thinking", thought);
      break; // Some servers send it under both names.
    }
    for (const { thought, text } of partsOf(delta["content"])) {
      this.say("thinking", thought);
      const split = this.thoughtField === undefined ? this.inline.push(text) : { thought: "", text };
      this.say("thinking", split.thought);
      this.say("text", split.text);
    }
    const refusal = delta["refusal"];
    if (typeof refusal === "string") this.say("text", refusal);
    const tooMuch = this.calls.push(delta["tool_calls"]);
    if (!this.calls.isEmpty) this.hasBegun = true;
    if (tooMuch === "calls") throw tooLarge(this.host, "an answer", mostCalls, "calls");
    if (tooMuch === "arguments") throw tooLarge(this.host, "the arguments of calls", mostCallCharacters);
  }

  private say(type: "thinking" | "text", text: string): void {
    if (text === "") return;
    this.hasBegun = true;
    this.characters += text.length;
    if (this.characters > mostCharacters) throw tooLarge(this.host, "an answer", mostCharacters);
    this.onEvent({ type, text });
  }
}

/** A content is a text, or a list of parts; Mistral's thoughts are parts of their own. */
function partsOf(content: unknown): readonly { readonly thought: string; readonly text: string }[] {
  if (typeof content === "string") return [{ thought: "", text: content }];
  return listOf(content).map((part) => {
    const { type, text, thinking } = objectOf(part);
    if (type === "thinking") {
      const said = Array.isArray(thinking)
        ? partsOf(thinking)
        : partsOf(typeof thinking === "string" ? thinking : text);
      return { thought: said.map((inner) => inner.text).join(""), text: "" };
    }
    return { thought: "", text: type === "text" && typeof text === "string" ? text : "" };
  });
}

function stoppedBy(host: string, what: string): ServerFailure {
  return new ServerFailure("stopped", `${host} ended the answer (${what})`, "what came is kept; ask in another way", {
    host,
  });
}
