/** Turns an answer into the text that goes into the document, piece by piece. */
export interface AnswerText {
  /** What can be inserted now. */
  push(piece: string): string;
  /** What is left when the answer has ended, or was stopped. */
  end(): string;
  /** All that is wanted of the answer has come. */
  readonly ended: boolean;
}
