/** `godel completion bash|zsh|fish`: scripts made from the commands themselves. */
import { Argument, type Command } from 'commander';
import type { CliContext } from '../context.ts';

interface Words {
  /** Path of the command, for example `bead create`; empty for godel itself. */
  path: string;
  words: string[];
}

function wordsOf(command: Command, path: readonly string[]): Words[] {
  const flags = command.options.map((option) => option.long).filter((flag) => flag !== undefined && flag !== null);
  const names = command.commands.map((each) => each.name());
  const here = { path: path.join(' '), words: [...names, ...flags, '--help'] };
  return [here, ...command.commands.flatMap((each) => wordsOf(each, [...path, each.name()]))];
}

function bash(table: readonly Words[]): string {
  const cases = table.map(({ path, words }) => `    "${path}") words="${words.join(' ')}" ;;`);
  return [
    '_godel() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" path="" word words=""',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    [[ $word == -* ]] || path="${path:+$path }$word"',
    '  done',
    '  while :; do case "$path" in',
    ...cases,
    '    *) if [[ $path == *" "* ]]; then path="${path% *}"; continue; fi ;;',
    '  esac; break; done',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -o default -F _godel godel',
    '',
  ].join('\n');
}

function fish(table: readonly Words[]): string {
  const lines = table.flatMap(({ path, words }) => {
    const plain = words.filter((word) => !word.startsWith('--')).join(' ');
    if (plain === '') return [];
    const when = path === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.split(' ').at(-1)}`;
    return [`complete -c godel -f -n '${when}' -a '${plain}'`];
  });
  return `${lines.join('\n')}\n`;
}

export function addCompletion(program: Command, context: CliContext): void {
  program
    .command('completion')
    .summary('Print a completion script for your shell')
    .description('Print a completion script. For example: godel completion bash >> ~/.bashrc')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action((shell: string) => {
      const table = wordsOf(program, []);
      const script = shell === 'fish' ? fish(table) : bash(table);
      context.streams.out(shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${script}` : script);
    });
}
