/** The line protocol of tmux control mode (tmux(1), CONTROL MODE): replies between guards, notifications elsewhere. Pure. */

export type ControlMessage =
  | { kind: 'reply'; ok: boolean; lines: string[] }
  | { kind: 'notification'; name: string; args: string };

/** Feeds on bytes of a control client and yields whole messages. */
export function createControlParser(): (text: string) => ControlMessage[] {
  let rest = '';
  let reply: string[] | undefined;
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    const messages: ControlMessage[] = [];
    for (const line of lines) {
      if (reply !== undefined) {
        if (/^%(end|error) \d+ \d+ \d+/.test(line)) {
          messages.push({ kind: 'reply', ok: line.startsWith('%end'), lines: reply });
          reply = undefined;
        } else reply.push(line);
      } else if (/^%begin \d+ \d+ \d+/.test(line)) reply = [];
      else if (line.startsWith('%')) {
        const space = line.indexOf(' ');
        const name = space < 0 ? line.slice(1) : line.slice(1, space);
        messages.push({ kind: 'notification', name, args: space < 0 ? '' : line.slice(space + 1) });
      }
    }
    return messages;
  };
}

/** One argument for tmux's command parser: single quotes, with single quotes themselves in double ones. */
export function quoteArgument(text: string): string {
  if (/^[A-Za-z0-9_@%:./=,+-]+$/.test(text) && !text.startsWith('%%')) return text;
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

/** One command line of several commands; a lone `;` separates, so an argument that is one is quoted. */
export function commandLine(commands: readonly (readonly string[])[]): string {
  return commands.map((command) => command.map(quoteArgument).join(' ')).join(' ; ');
}
