import { InvalidRequestError } from "../common/errors";

/** Code points. What is longer fits no list and no tab. */
export const longestName = 100;

/** Joiners are a part of words in these scripts, and of emoji; anywhere else nobody sees them. */
const joinedScripts = [
  "Arabic",
  "Bengali",
  "Devanagari",
  "Gujarati",
  "Kannada",
  "Malayalam",
  "Sinhala",
  "Tamil",
  "Telugu",
]
  .map((script) => `\\p{Script=${script}}`)
  .join("");
const joined = `[${joinedScripts}\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\uFE0F]`;
const invisible = new RegExp(`(?!(?<=${joined})[\\u200C\\u200D](?=${joined}))[\\p{Cf}\\p{Cc}\\p{Cs}]`, "gu");
const whiteSpace = /[\p{White_Space}\uFEFF]+/gu;

/**
 * A name as it is kept: white space is one space, and characters that nobody sees are left out (controls, zero-width
 * characters, marks that turn the direction of what follows), so that names which look the same are the same.
 */
export function cleanName(name: string): string {
  return name.normalize("NFC").replace(whiteSpace, " ").replace(invisible, "").replace(whiteSpace, " ").trim();
}

/** Throws INVALID_REQUEST where nothing is left of the name, or too much. */
export function validName(name: string): string {
  const clean = cleanName(name);
  if (clean === "") throw new InvalidRequestError("an agent needs a name", "give it one that can be read");
  const { length } = [...clean];
  if (length > longestName) {
    throw new InvalidRequestError(
      `the name has ${length} characters, and an agent's name at most ${longestName}`,
      "choose a shorter one",
      { length, longest: longestName },
    );
  }
  return clean;
}
