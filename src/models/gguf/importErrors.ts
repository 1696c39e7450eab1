import { type ErrorFacts, ResidentError } from "../../common/errors";

export function corrupt(what: string, facts: ErrorFacts = {}): ResidentError {
  return new ResidentError("IMPORT_CORRUPT", what, "download the GGUF file again", facts);
}

/** `name` is the architecture, quantisation, tokenizer … that is not known here. */
export function unsupported(what: string, name: string, advice: string): ResidentError {
  return new ResidentError("IMPORT_UNSUPPORTED", what, advice, { name });
}
