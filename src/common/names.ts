/** `wanted` if it is free, else with the next number that makes it free: "ada", "ada 2", "ada 3". */
export function freeName(wanted: string, taken: Iterable<string>): string {
  const names = new Set(taken);
  const [, base = wanted, digits = "1"] = /^(.*\S) (\d{1,9})$/s.exec(wanted) ?? [];
  let name = wanted;
  for (let number = Number(digits) + 1; names.has(name); number += 1) name = `${base} ${number}`;
  return name;
}
