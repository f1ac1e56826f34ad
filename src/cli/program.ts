/** Operations -> commands. What has no operation (daemon, attach, review, demo, completion) is added by hand. */

import { Command, CommanderError } from 'commander';
import type { AnyOperation } from '../base/operation.ts';
import { version } from '../base/version.ts';
import { failure } from '../errors.ts';
import { type Operations, operations } from '../operations.ts';
import { groupOf, groupPlace, NOUN_SUMMARIES } from './command-groups.ts';
import { addAttach } from './commands/attach.ts';
import { addBoard } from './commands/board.ts';
import { addCompletion } from './commands/completion.ts';
import { addDaemon } from './commands/daemon.ts';
import { addDemo } from './commands/demo.ts';
import { addMcp } from './commands/mcp.ts';
import { addReview } from './commands/review.ts';
import { addWorktree, followingSetup } from './commands/worktree.ts';
import { type CliContext, globalFlags } from './context.ts';
import { readInput } from './file-input.ts';
import { type FieldSpec, fieldsOf, toArgument, toOption } from './flags.ts';
import { printResult } from './output.ts';
import { readSecret } from './secret-input.ts';

/** Flags every command takes. */
function addGlobalFlags(command: Command): Command {
  return command
    .option('--json', 'print one JSON value')
    .option('--project <path or id>', 'project to work in; the current folder by default')
    .option('--no-start', 'do not start the daemon')
    .option('--debug', 'print the stack of errors');
}

function fromJson(field: FieldSpec, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw failure(
      'bad-input',
      { problem: `--${field.flag} is not JSON: ${text}`, hint: `For example --${field.flag} '{"a":1}'` },
      error,
    );
  }
}

/** What a word on the command line stands for. */
function fromText(field: FieldSpec, text: string, cwd: string): unknown {
  if (field.kind === 'json') return fromJson(field, text);
  return field.kind === 'file' ? readInput(text, cwd) : text;
}

/** Name commander keeps a flag under. */
const attributeOf = (field: FieldSpec) =>
  field.flag.replaceAll(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase());

/** Input of an operation from positional arguments and flags. */
function collectInput(
  operation: AnyOperation,
  fields: FieldSpec[],
  positional: unknown[],
  flags: Record<string, unknown>,
  cwd: string,
): Record<string, unknown> {
  const args = operation.args ?? [];
  const input: Record<string, unknown> = {};
  for (const field of fields) {
    const index = args.indexOf(field.name);
    const value = index >= 0 ? positional[index] : flags[attributeOf(field)];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    input[field.name] = typeof value === 'string' ? fromText(field, value, cwd) : value;
  }
  return input;
}

function describeCommand(command: Command, key: keyof Operations, operation: AnyOperation, context: CliContext): void {
  const fields = fieldsOf(operation);
  const args = operation.args ?? [];
  command
    .summary(operation.summary)
    .description([operation.summary, operation.description].filter(Boolean).join('\n\n'));
  for (const name of args) {
    const field = fields.find((each) => each.name === name);
    if (field) command.addArgument(toArgument(field));
  }
  for (const field of fields) {
    // `project` is the global flag of the same meaning.
    if (!args.includes(field.name) && field.name !== 'project' && !field.secret) command.addOption(toOption(field));
  }
  addGlobalFlags(command);
  command.addHelpText('after', `\nExamples:\n${operation.examples.map((example) => `  ${example}`).join('\n')}`);
  command.action(async (...received: unknown[]) => {
    const flags = globalFlags(command);
    const input = collectInput(operation, fields, received.slice(0, args.length), command.opts(), context.cwd);
    for (const field of fields.filter((each) => each.secret)) input[field.name] = await readSecret(field.name);
    // The daemon has a folder of its own: a path is meant from here.
    if (key === 'projectInit') input.path = (input.path as string | undefined) ?? flags.project ?? context.cwd;
    const client = await context.connect(flags);
    const begin = () => client.call(key, input as never);
    // An agent starts when its worktree is ready, which may take as long as an installation.
    const bead = key === 'agentSpawn' && typeof input.bead === 'string' ? input.bead : undefined;
    const data = await (bead === undefined ? begin() : followingSetup<unknown>(context, client, bead, begin));
    printResult(context.streams, data, operation.text as ((data: unknown) => string) | undefined, flags.json);
  });
}

function nounCommand(program: Command, noun: string): Command {
  const known = program.commands.find((command) => command.name() === noun);
  if (known) return known;
  const summary = NOUN_SUMMARIES[noun] ?? '';
  return program.command(noun).summary(summary).description(summary);
}

function addOperations(program: Command, context: CliContext): void {
  for (const [key, operation] of Object.entries(operations) as [keyof Operations, AnyOperation][]) {
    const [noun = '', verb = ''] = operation.name.split(' ');
    describeCommand(nounCommand(program, noun).command(verb), key, operation, context);
    for (const alias of operation.aliases ?? []) {
      describeCommand(nounCommandOrTop(program, alias), key, operation, context);
    }
  }
}

/** `godel cost` is both a noun and the short form of `godel cost show`. */
function nounCommandOrTop(program: Command, alias: string): Command {
  return program.commands.find((command) => command.name() === alias) ?? program.command(alias);
}

/** Commander's own refusals in the words of Godel. */
function asRefusal(error: CommanderError, words: readonly string[]): unknown {
  if (error.exitCode === 0) return error;
  const problem = error.message.replace(/^error: /, '');
  const [first, suggestion] = problem.split('\n');
  const sentence = `${first?.charAt(0).toUpperCase()}${first?.slice(1)}`.replace(/\.?$/, '.');
  const command = words
    .filter((word) => /^[a-z][a-z-]*$/.test(word))
    .slice(0, 2)
    .join(' ');
  const hint =
    suggestion?.replaceAll(/[()]/g, '') ??
    `godel ${/unknown command/.test(problem) ? '' : `${command} `}--help shows what is possible.`;
  return failure('bad-input', { problem: sentence, hint });
}

export function createProgram(context: CliContext): Command {
  const program = new Command('godel')
    .version(version, '-V, --version', 'print the version')
    .description('A team of AI coding agents in one terminal.\nWithout a command: open the board.')
    .configureHelp({ sortSubcommands: true, showGlobalOptions: false })
    .configureOutput({ writeOut: context.streams.out, writeErr: () => {} })
    .exitOverride()
    .enablePositionalOptions()
    .showSuggestionAfterError(true);
  addGlobalFlags(program);
  addOperations(program, context);
  addDaemon(program, context);
  addAttach(program, context);
  addReview(program, context);
  addWorktree(program, context);
  addMcp(program, context);
  addDemo(program, context);
  addCompletion(program, context);
  addBoard(program, context);
  for (const command of program.commands) command.helpGroup(groupOf(command.name()) ?? 'Commands:');
  // Groups are shown in the order in which their first command stands here.
  (program.commands as Command[]).sort((a, b) => groupPlace(a.name()) - groupPlace(b.name()));
  for (const command of allCommands(program))
    command
      .exitOverride()
      .configureOutput({ writeOut: context.streams.out, writeErr: () => {} })
      .showSuggestionAfterError(true);
  return program;
}

export function allCommands(command: Command): Command[] {
  return command.commands.flatMap((each) => [each, ...allCommands(each)]);
}

/** Runs one command line. @throws GodelError; a CommanderError with exit code 0 for help and version */
export async function runProgram(program: Command, words: readonly string[]): Promise<void> {
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.help' && error.exitCode !== 0) {
      throw failure('bad-input', {
        problem: `godel ${words.join(' ')} needs a command.`,
        hint: `godel ${words.join(' ')} --help lists them.`,
      });
    }
    const refusal = asRefusal(error, words);
    if (refusal !== error) throw refusal;
  }
}
