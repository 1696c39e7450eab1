/** Turns an answer into the text that goes into the document, piece by piece. */
export interface AnswerText {
  /** What can be inserted now. */
  push(piece: string): string;
  /** The rest of the text, once the answer has ended or was stopped. Called once. */
  end(): string;
  /** The rest of the answer is not needed. */
  readonly ended: boolean;
}
