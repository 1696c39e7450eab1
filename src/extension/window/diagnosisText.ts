import type { DiagnoseReport } from "../../protocol/service";

export type DiagnosisSection = DiagnoseReport["sections"][number];

/** Plain text that reads well where it is pasted: titles, then names and values in two columns. */
export function diagnosisText(sections: readonly DiagnosisSection[]): string {
  return sections.map(sectionText).join("\n");
}

function sectionText({ title, lines }: DiagnosisSection): string {
  const width = Math.max(0, ...lines.map(([name]) => name.length));
  return [title, ...lines.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`), ""].join("\n");
}
