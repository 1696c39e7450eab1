import type { Grammar, GrammarText } from "../engine/ports";
import type { NativeGrammar, NativeModel, NativeVocabulary, NativeWords } from "./binding";

/** Grammars kept for the next request that asks for the same: an agent's turns all have the same tools. */
const mostKept = 16;

/** Whether the addon made it; the addon itself checks again. */
export function isNative(grammar: Grammar): grammar is NativeGrammar {
  return "dispose" in grammar;
}

/** Compiles grammars for one loaded model. The same text gives the same grammar, compiled once. */
export class NativeGrammars {
  private vocabulary: Promise<NativeVocabulary> | undefined;
  /** By kind and text, the one that was used last at the end. */
  private readonly kept = new Map<string, Promise<NativeGrammar>>();

  /** `words` is asked once, when the first grammar is compiled: it takes a moment for a large vocabulary. */
  constructor(
    private readonly model: Pick<NativeModel, "createVocabulary" | "compileGrammar">,
    private readonly words: () => NativeWords | Promise<NativeWords>,
  ) {}

  /** Rejects with INVALID_REQUEST and the compiler's reason. */
  async compile({ kind, text }: GrammarText): Promise<Grammar> {
    const key = `${kind}\n${text}`;
    const grammar = this.kept.get(key) ?? this.compileNew({ kind, text });
    this.kept.delete(key);
    this.kept.set(key, grammar);
    // The oldest is only forgotten: requests may still use it, and it is freed with the last of them.
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= mostKept) break;
      this.kept.delete(oldest);
    }
    try {
      return await grammar;
    } catch (error) {
      if (this.kept.get(key) === grammar) this.kept.delete(key);
      throw error;
    }
  }

  private async compileNew({ kind, text }: GrammarText): Promise<NativeGrammar> {
    const vocabulary = await this.vocabularyOnce();
    return this.model.compileGrammar({ kind, text, vocabulary });
  }

  private async vocabularyOnce(): Promise<NativeVocabulary> {
    this.vocabulary ??= (async () => this.model.createVocabulary(await this.words()))();
    try {
      return await this.vocabulary;
    } catch (error) {
      this.vocabulary = undefined;
      throw error;
    }
  }
}
