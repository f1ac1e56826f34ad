/** Text for a terminal: control characters would act as keys or end the paste early. Pure. */

/** Removes C0 (but tab and line feed), DEL and C1. */
export function pasteable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
  return text.replaceAll('\r\n', '\n').replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}
