import { type ErrorFacts, ResidentError } from "../common/errors";

export function notFound(what: string, facts: ErrorFacts): ResidentError {
  return new ResidentError("MODEL_NOT_FOUND", what, "choose a folder that contains a model in MLX's format", facts);
}

export function incomplete(what: string, facts: ErrorFacts): ResidentError {
  return new ResidentError("MODEL_INCOMPLETE", what, "download the model again and completely", facts);
}

export function corrupt(what: string, facts: ErrorFacts): ResidentError {
  return new ResidentError("MODEL_CORRUPT", what, "download the model again", facts);
}

export function unsupported(what: string, advice: string, facts: ErrorFacts): ResidentError {
  return new ResidentError("MODEL_UNSUPPORTED", what, advice, facts);
}
