/**
 * Stands in for Claude Code where ten thousand prompts have to arrive: it draws its screen again and again while it is typed to,
 * has its paste mode, hooks and stream-json, and writes down every prompt it takes, byte by byte. Run as `claude`.
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';

const REDRAW_MS = 30;
const TURN_MS = Number(process.env.FAKE_TURN_MS ?? 20);
/** About as much as is said in a turn. */
const SAID = 'A line of what was said.\n'.repeat(40);
const ESCAPE = '\u001b';
const CANCEL = '\u0003';
const PASTE_MARKS = new RegExp(`(${ESCAPE}\\[20[01]~)`);
/** The beginning of a mark whose rest comes with the next piece. */
const PART_OF_MARK = new RegExp(`${ESCAPE}(\\[(2(0[01]?)?)?)?$`);
const LONE_ESCAPE = new RegExp(`^${ESCAPE}(?!\\[)`);
const folder = process.env.CLAUDE_CONFIG_DIR ?? '.';
const args = process.argv.slice(2);
const sessionId = args[args.findIndex((each) => ['--session-id', '--resume'].includes(each)) + 1] ?? 'none';

const record = (text: string) => appendFileSync(join(folder, 'prompts.jsonl'), `${JSON.stringify(text)}\n`);
/** What it does from now on, with the time, for those who measure how soon others know. */
let doing: 'busy' | 'idle' = 'idle';
function note(now: typeof doing): void {
  doing = now;
  if (!process.env.FAKE_TURN_MS) return;
  appendFileSync(join(folder, 'changes.txt'), `${Date.now()} ${now}\n`);
  converse(now === 'busy' ? 'user' : 'assistant');
}

let last: string | null = null;
/** Its conversation grows by a line at each of these times, as that of the real program does. */
function converse(role: 'user' | 'assistant'): void {
  const file = join(folder, 'projects', process.cwd().replaceAll(/[^A-Za-z0-9]/g, '-'), `${sessionId}.jsonl`);
  const line = { uuid: randomUUID(), parentUuid: last, sessionId, type: role, message: { role, content: SAID } };
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify(line)}\n`);
  last = line.uuid;
}

const say = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);

function hook(name: string, fields: object = {}): Promise<void> {
  const file = process.env.GODEL_HOOK_SOCKET;
  if (!file) return Promise.resolve();
  return new Promise((resolve) => {
    const socket = connect(file);
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
    socket.resume();
    socket.write(`${JSON.stringify({ hook_event_name: name, session_id: sessionId, ...fields })}\n`);
  });
}

interface UserMessage {
  type: string;
  uuid: string;
  request_id: string;
  request: { subtype: string };
  message: { content: string };
}

/** Prompts on standard input, one turn after another; an interrupt ends the turn. */
function speak(): void {
  let rest = '';
  let turn: NodeJS.Timeout | undefined;
  const queue: UserMessage[] = [];
  const end = () => {
    turn = undefined;
    note('idle');
    say({ type: 'result', is_error: false });
    next();
  };
  const next = () => {
    const message = turn ? undefined : queue.shift();
    if (!message) return;
    record(message.message.content);
    note('busy');
    say({ type: 'user', isReplay: true, uuid: message.uuid, message: message.message });
    turn = setTimeout(end, TURN_MS);
  };
  const take = (message: UserMessage) => {
    if (message.type === 'user') queue.push(message);
    else if (message.type === 'control_request') {
      say({ type: 'control_response', response: { subtype: 'success', request_id: message.request_id } });
      if (message.request.subtype === 'interrupt' && turn) {
        clearTimeout(turn);
        end();
      }
    }
    next();
  };
  process.stdin.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') take(JSON.parse(line) as UserMessage);
  });
  process.stdin.on('end', () => process.exit(0));
}

/** A screen with an input line: what is pasted is text, Enter that comes apart from it submits. */
function showFace(): void {
  let input = '';
  let pasting = false;
  let frame = 0;
  let held = '';
  let work: Promise<void> = Promise.resolve();
  process.stdin.setRawMode?.(true);
  process.stdout.write('\u001b[?2004h');
  setInterval(() => {
    frame += 1;
    const shown = input.replaceAll(/\s+/g, ' ').slice(-60);
    process.stdout.write(`\u001b[H\u001b[2J${doing} frame ${frame}\r\n${'─'.repeat(70)}\r\n> ${shown}`);
  }, REDRAW_MS);

  function submit(): void {
    const text = input;
    input = '';
    if (text === '') return;
    record(text);
    work = work
      .then(() => note('busy'))
      .then(() => hook('UserPromptSubmit', { prompt: text }))
      .then(() => new Promise<void>((resolve) => setTimeout(resolve, TURN_MS)))
      .then(() => note('idle'))
      .then(() => hook('Stop'));
  }

  function type(text: string): void {
    // Keys other than Enter move about; an Enter that comes together with text belongs to the text, as real programs have it.
    if (text === '\r') submit();
    else if (text === CANCEL) input = '';
    else input += text.replaceAll('\r', '\n');
  }

  process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
    const all = held + chunk;
    held = PART_OF_MARK.exec(all)?.[0] ?? '';
    const keys = all.slice(0, all.length - held.length).replace(LONE_ESCAPE, '');
    for (const piece of keys.split(PASTE_MARKS)) {
      if (piece === '\u001b[200~') pasting = true;
      else if (piece === '\u001b[201~') pasting = false;
      else if (pasting) input += piece.replaceAll('\r', '\n');
      else if (piece !== '') type(piece);
    }
  });
  void hook('SessionStart').then(() => hook('GodelToolsListed'));
}

if (args.includes('--version')) process.stdout.write('2.1.329 (stand-in)\n');
else {
  mkdirSync(folder, { recursive: true });
  if (args.includes('-p')) speak();
  else showFace();
}
