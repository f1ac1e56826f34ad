/**
 * The command a program runs as its hook: hands its input to the host and prints what the host answers. It never fails
 * and never blocks a program whose host is gone. Bundled to one file; imports node: only.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

const socketFile = process.env.GODEL_HOOK_SOCKET;
if (socketFile) {
  const input = readFileSync(0, 'utf8').trim().replaceAll(/\r?\n/g, ' ');
  const socket = connect(socketFile);
  socket.on('error', () => process.exit(0));
  socket.on('connect', () => socket.write(`${input}\n`));
  socket.pipe(process.stdout);
}
