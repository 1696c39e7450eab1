/** GPT-2's mapping: printable Latin-1 characters stand for themselves, the other bytes for U+0100 and up, in order. */
const characterOfByte: Int32Array = (() => {
  let next = 0x100;
  return Int32Array.from({ length: 256 }, (_, byte) => (isPrintable(byte) ? byte : next++));
})();

const byteOfCharacter: ReadonlyMap<number, number> = new Map(
  Array.from(characterOfByte, (character, byte) => [character, byte]),
);

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

const utf8 = new TextEncoder();

/** The characters that stand for the bytes of a text, as code points. */
export function byteCharacters(text: string): Int32Array {
  const bytes = utf8.encode(text);
  const characters = new Int32Array(bytes.length);
  for (let at = 0; at < bytes.length; at += 1) characters[at] = characterOfByte[bytes[at] ?? 0] ?? 0;
  return characters;
}

/** The bytes that a token's characters stand for. A token with any other character is encoded as UTF-8. */
export function byteLevelBytes(token: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = byteOfCharacter.get(character.codePointAt(0) ?? -1);
    if (byte === undefined) return utf8.encode(token);
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
