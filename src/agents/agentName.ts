import { InvalidRequestError } from "../common/errors";

/** In code points. Longer names do not fit into lists and tabs. */
export const longestName = 100;

/** Joiners are a part of words in these scripts and of emoji. Elsewhere they are invisible and mean nothing. */
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
 * The name in the form that is kept: each run of white space becomes one space, and invisible characters are removed
 * (controls, zero-width characters, marks that change the text direction). Names that look the same are then the same.
 */
export function cleanName(name: string): string {
  return name.normalize("NFC").replace(whiteSpace, " ").replace(invisible, "").replace(whiteSpace, " ").trim();
}

/** Room for " 9999" behind a name that has to differ from others. */
const numberLength = 5;

/** As `validName`, but shorter: it may get a number that makes it differ from other names. */
export function nameForNumber(name: string): string {
  return [...validName(name)]
    .slice(0, longestName - numberLength)
    .join("")
    .trim();
}

/** The clean name. Throws INVALID_REQUEST where it is empty or too long. */
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
