/** An MCP server without tools, in the place of `godel mcp` where there is no daemon: a program that is told of one waits for it. */
import { Server } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

serveStdio(() => {
  const server = new Server({ name: 'godel', version: '0' }, { capabilities: { tools: {} } });
  server.setRequestHandler('tools/list', async () => ({ tools: [] }));
  return server;
});
