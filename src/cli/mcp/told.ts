/** Tells the host of a program in its pane that the program has the tools now, as a hook of the program would. */
import { connect } from 'node:net';

export function tellToolsListed(socketFile: string | undefined): void {
  if (!socketFile) return;
  const socket = connect(socketFile);
  // A host that is gone waits for nobody.
  socket.on('error', () => {});
  socket.end(`${JSON.stringify({ hook_event_name: 'GodelToolsListed' })}\n`);
}
