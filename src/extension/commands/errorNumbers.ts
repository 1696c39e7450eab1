import type { ErrorFacts, ErrorInfo } from "../../common/errors";
import type { Formats } from "../../common/format";

/** What happened, with its numbers as the display language writes them; an error without numbers as it is. */
export function withNumbers(error: ErrorInfo, formats: Formats): ErrorInfo {
  const words = error.code === "CONTEXT_FULL" ? contextWords(error, formats) : poolWords(error, formats);
  return words === undefined ? error : { ...error, ...words };
}

type Words = Partial<Pick<ErrorInfo, "what" | "advice">>;

/** The facts of CONTEXT_FULL say what the context was full of. */
function contextWords({ facts }: ErrorInfo, { count }: Formats): Words | undefined {
  const { context, needed, message, room, roomAlone, kept, cause } = numbersOf(facts);
  if (context === undefined) return undefined;
  switch (cause) {
    case "message":
      if (message === undefined || roomAlone === undefined) return undefined;
      return {
        what: `the message is too long for this model: ${count(message)} tokens, and there is room for ${count(roomAlone)}`,
        advice: `shorten it to ${count(roomAlone)} tokens`,
      };
    case "room":
      if (message === undefined || room === undefined || kept === undefined) return undefined;
      return {
        what: `the message has ${count(message)} tokens and there is room for ${count(room)}: the conversation holds ${count(kept)} of ${count(context)}`,
      };
    case "history":
      return { what: `the conversation fills the context of ${count(context)} tokens: no message fits behind it` };
    case "answer":
      return { what: `the answer ends where the context of ${count(context)} tokens ends: it cannot go on` };
    default:
      if (needed === undefined) return undefined;
      return {
        what: `the prompt is ${count(needed - 1)} tokens long and the model's context holds ${count(context)}`,
      };
  }
}

function poolWords({ code, facts }: ErrorInfo, { count }: Formats): Words | undefined {
  const { needed, total, blockTokens } = numbersOf(facts);
  if (code !== "POOL_EXHAUSTED" || needed === undefined || total === undefined || blockTokens === undefined) {
    return undefined;
  }
  const blocks = `${count(needed)} blocks of ${count(blockTokens)} tokens`;
  return { what: `this request needs ${blocks} and the block pool has ${count(total)}` };
}

type NumberFact = "context" | "message" | "room" | "roomAlone" | "kept" | "needed" | "total" | "blockTokens";

function numbersOf(facts: ErrorFacts): Readonly<Partial<Record<NumberFact, number>>> & { readonly cause: unknown } {
  const numbers = Object.entries(facts).filter(([, value]) => typeof value === "number");
  return { ...Object.fromEntries(numbers), cause: facts["cause"] };
}
