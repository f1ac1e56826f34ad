/** Reads a secret from standard input: piped, or typed in a terminal without being shown. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { failure } from '../errors.ts';

async function piped(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8').trim();
}

/** What is typed is swallowed; only the question is shown. */
function typed(name: string): Promise<string> {
  process.stderr.write(`${name}: `);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  return new Promise((resolve) => {
    let answer = '';
    lines.once('line', (line) => {
      answer = line;
      lines.close();
    });
    lines.once('close', () => {
      process.stderr.write('\n');
      resolve(answer.trim());
    });
  });
}

/** @throws GodelError bad-input when nothing was given */
export async function readSecret(name: string): Promise<string> {
  const text = process.stdin.isTTY ? await typed(name) : await piped();
  if (text !== '') return text;
  throw failure('bad-input', {
    problem: `No ${name} was given.`,
    hint: 'Type it when asked, or give it on standard input: godel secret set anthropic < key.txt',
  });
}
