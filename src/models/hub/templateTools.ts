/** Whether a chat template looks at the list of tools. */
export function namesTools(template: string): boolean {
  return /\btools\b/.test(template);
}
