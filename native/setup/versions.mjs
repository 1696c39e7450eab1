/** "3.25.1" is at least "3.22"; parts that are not numbers count as 0. */
export function isAtLeast(version, oldest) {
  const parts = (text) => text.split(".").map((part) => Number.parseInt(part, 10) || 0);
  const [have, want] = [parts(version), parts(oldest)];
  for (let index = 0; index < want.length; index++) {
    const difference = (have[index] ?? 0) - want[index];
    if (difference !== 0) return difference > 0;
  }
  return true;
}
