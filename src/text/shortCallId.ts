const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const length = 9;

/**
 * The id of a call for templates that insist on nine letters or digits: the same one for the same id, another one for
 * another, but for chance (53 bits of two hashes in the manner of FNV-1a).
 */
export function shortCallId(id: string): string {
  if (/^[0-9A-Za-z]{9}$/.test(id)) return id;
  let [high, low] = [0x811c9dc5, 0x01000193];
  for (let at = 0; at < id.length; at += 1) {
    const unit = id.charCodeAt(at);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ (unit + at), 0x85ebca6b);
    low ^= low >>> 13;
  }
  let rest = (high >>> 0) * 2 ** 21 + ((low >>> 0) % 2 ** 21);
  let text = "";
  for (let at = 0; at < length; at += 1) {
    text = letters.charAt(rest % letters.length) + text;
    rest = Math.floor(rest / letters.length);
  }
  return text;
}
