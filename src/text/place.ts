/**
 * Where a text stands: at the very start, at the start of a section (right behind an added token), or in the middle of
 * a section. Many tokenizers put a space symbol before the first section or before each.
 */
export type Place = "start" | "section" | "middle";
