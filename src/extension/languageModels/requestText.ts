import { ResidentError } from "../../common/errors";
import { createFormats } from "../../common/format";

/** More text than any context here holds, in UTF-16 units. */
export const mostCharacters = 4 * 1024 * 1024;

const advice = "start a new chat, or attach less";

/** Counts the text of one request. What is beyond the limit is counted, but not kept: a request of any size is safe. */
export class RequestText {
  private characters = 0;

  /** The text, or nothing of it once there is too much. */
  take(text: string): string {
    return this.reserve(text.length) ? text : "";
  }

  /** Text in UTF-8: its bytes are at least as many as its characters. */
  decode(bytes: Uint8Array): string {
    return this.reserve(bytes.byteLength) ? new TextDecoder().decode(bytes) : "";
  }

  /** @throws INVALID_REQUEST with both numbers when there was too much. */
  check(): void {
    if (this.characters <= mostCharacters) return;
    const { count } = createFormats("en");
    throw new ResidentError(
      "INVALID_REQUEST",
      `the request has ${count(this.characters)} characters, and at most ${count(mostCharacters)} are taken`,
      advice,
      { characters: this.characters, mostCharacters },
    );
  }

  /** @throws the same for one text. */
  static check(text: string): string {
    const size = new RequestText();
    size.take(text);
    size.check();
    return text;
  }

  private reserve(characters: number): boolean {
    this.characters += characters;
    return this.characters <= mostCharacters;
  }
}
