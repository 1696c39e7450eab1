const forms = [
  /"name"\s{0,8}:\s{0,8}"([^"\n]{1,64})"/,
  /<function=\s{0,8}["']?([^<>"'\n]{1,64})/,
  /\bcall\s{0,8}:\s{0,8}([\w.-]{1,64})/,
  /\bto\s{0,8}=\s{0,8}(?:functions?[.:])?([\w.-]{1,64})/,
  /^\s{0,64}\[?\s{0,8}([\w.-]{1,64})\s{0,8}(?:\(|\[ARGS\]|\[CALL_ID\]|\n?<arg_key>)/,
];
const longestHead = 1024;

/** The name of the tool that a broken call seems to be for. */
export function nameIn(text: string): string | undefined {
  const head = text.slice(0, longestHead);
  for (const form of forms) {
    const name = form.exec(head)?.[1]?.trim();
    if (name !== undefined && name !== "") return name;
  }
  return undefined;
}
