import { InvalidRequestError } from "../../../src/common/errors";
import type { AnswerGrammar, Grammar, TokenId } from "../../../src/engine/ports";

/**
 * A grammar of ids for the fake device: the sum of an answer's ids says which ids may follow. Where the sum is a multiple
 * of the number of choices, the answer may also end.
 */
export class FakeGrammar implements Grammar {
  readonly bytes = 0;

  constructor(private readonly choices: readonly (readonly TokenId[])[]) {}

  /** The ids that may follow, in order. */
  allowed(answer: readonly TokenId[], stopIds: readonly TokenId[]): readonly TokenId[] {
    const at = answer.reduce((sum, id) => sum + id, 0) % this.choices.length;
    const words = (this.choices[at] ?? []).filter((id) => !stopIds.includes(id));
    const ends = at === 0 || words.length === 0 ? stopIds : [];
    return [...new Set([...words, ...ends])].sort((a, b) => a - b);
  }
}

/** Where one row's answer stands in its grammar. */
export class FakeGrammarState {
  private readonly answer: TokenId[] = [];

  /** INVALID_REQUEST when the answer so far is none that the grammar allows. */
  constructor(
    private readonly grammar: FakeGrammar,
    private readonly stopIds: readonly TokenId[],
    answerIds: Iterable<TokenId>,
  ) {
    for (const id of answerIds) {
      if (!this.allowed.includes(id)) {
        throw new InvalidRequestError("the answer so far is none that its grammar allows", "fix the engine", { id });
      }
      this.answer.push(id);
    }
  }

  static of(constraint: AnswerGrammar | undefined, stopIds: readonly TokenId[]): FakeGrammarState | undefined {
    if (constraint === undefined) return undefined;
    const { grammar, answerIds } = constraint;
    if (!(grammar instanceof FakeGrammar)) throw new InvalidRequestError("another device's grammar", "fix the engine");
    return new FakeGrammarState(grammar, stopIds, answerIds);
  }

  get allowed(): readonly TokenId[] {
    return this.grammar.allowed(this.answer, this.stopIds);
  }

  /** The ids that follow without a choice, at most `most`, up to an end. */
  forced(most: number): readonly TokenId[] {
    const ids: TokenId[] = [];
    while (ids.length < most) {
      const [id, ...others] = this.grammar.allowed([...this.answer, ...ids], this.stopIds);
      if (id === undefined || others.length > 0 || this.stopIds.includes(id)) break;
      ids.push(id);
    }
    return ids;
  }

  add(id: TokenId): void {
    this.answer.push(id);
  }
}
