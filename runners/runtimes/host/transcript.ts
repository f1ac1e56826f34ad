/** The live transcript a pane shows: words of the model as they stream, tools, questions. Nothing in it can steer the terminal. Pure but for `write`. */
import { oneLine } from '../summary.ts';
import type { Ask } from './driver.ts';

export interface Transcript {
  title(text: string): void;
  prompt(text: string): void;
  text(piece: string): void;
  tool(tool: string, summary?: string): void;
  toolEnd(isError: boolean, output?: string): void;
  ask(ask: Ask): void;
  note(text: string): void;
  error(text: string): void;
  settled(): void;
}

const OUTPUT_LINES = 6;
const style = (code: string) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;
const bold = style('1');
const dim = style('2');
const red = style('31');
const yellow = style('33');
const cyan = style('36');

/** Text of others without what a terminal would obey; line feeds and tabs stay. */
export function harmless(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
  return text.replaceAll('\r\n', '\n').replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}

/** The first lines of an output, with a word about the rest. */
export function excerpt(output: string): string[] {
  const lines = harmless(output).trimEnd().split('\n');
  const shown = lines.slice(0, OUTPUT_LINES);
  return lines.length > OUTPUT_LINES ? [...shown, `… ${lines.length - OUTPUT_LINES} more lines`] : shown;
}

export function createTranscript(write: (text: string) => void): Transcript {
  let atStart = true;
  const put = (text: string) => {
    if (text === '') return;
    atStart = text.endsWith('\n');
    write(text.replaceAll('\n', '\r\n'));
  };
  const line = (text: string) => put(`${atStart ? '' : '\n'}${text}\n`);
  return {
    title: (text) => line(bold(text)),
    prompt: (text) => line(`\n${cyan('›')} ${bold(harmless(text))}`),
    text: (piece) => put(harmless(piece)),
    tool: (tool, summary) => line(`${cyan('•')} ${bold(oneLine(tool))}${summary ? ` ${oneLine(summary)}` : ''}`),
    toolEnd(isError, output) {
      const paint = isError ? red : dim;
      for (const each of excerpt(output ?? '')) if (each !== '') line(paint(`  ${each}`));
      if (isError && !output) line(red('  failed'));
    },
    ask(ask) {
      line(yellow(`? ${oneLine(ask.question, 1_000)}`));
      for (const [index, choice] of ask.choices.entries()) line(yellow(`  ${index + 1} ${oneLine(choice)}`));
      line(
        dim(
          ask.choices.length > 0 ? '  type a number and Enter, or answer in the inbox' : '  type an answer and Enter',
        ),
      );
    },
    note: (text) => line(dim(oneLine(text, 1_000))),
    error: (text) => line(red(harmless(text))),
    settled: () => line(dim('— ready —')),
  };
}

const nothing = () => {};

/** For programs that show themselves. */
export const silentTranscript: Transcript = {
  title: nothing,
  prompt: nothing,
  text: nothing,
  tool: nothing,
  toolEnd: nothing,
  ask: nothing,
  note: nothing,
  error: nothing,
  settled: nothing,
};
