/** The server of the Model Context Protocol on standard streams: each tool is a call of the daemon, as the agent that runs it. */
import { Server } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { GodelError, messageOf } from '../../base/error.ts';
import type { Client } from '../../client/client.ts';
import type { Role } from '../../roles/schema.ts';
import { describeTool, type McpTool, resultText, toolsFor } from './tools.ts';

export interface McpServerOptions {
  /** A client of the daemon; asked for at every call, as a daemon may have been started anew. */
  connect: () => Promise<Client>;
  /** The agent that runs the server; undefined for a person. */
  agentId: string | undefined;
  version: string;
  /** Called when the tools were asked for. */
  onListed?: () => void;
}

const INSTRUCTIONS =
  'Godel runs you beside other coding agents. These tools act in your name: your bead, your plan, messages to others, questions to people.';

const textOf = (error: unknown) => (error instanceof GodelError ? `${error.message}\n${error.hint}` : messageOf(error));
const content = (text: string) => [{ type: 'text' as const, text }];

async function roleOf(client: Client, agentId: string): Promise<Role | undefined> {
  try {
    const { role } = await client.call('agentShow', { id: agentId });
    return await client.call('roleShow', { name: role });
  } catch {
    return undefined;
  }
}

export function createMcpServer(options: McpServerOptions): Server {
  const { connect, agentId } = options;
  const server = new Server(
    { name: 'godel', version: options.version },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );

  /** As the role is written at this moment. */
  async function tools(client: Client): Promise<McpTool[]> {
    return toolsFor(agentId === undefined ? undefined : await roleOf(client, agentId));
  }

  server.setRequestHandler('tools/list', async () => {
    const listed = (await tools(await connect())).map(describeTool);
    options.onListed?.();
    return { tools: listed };
  });
  server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) => {
    try {
      // What the role takes away is still named here, so that the daemon's refusal says which role and why.
      const tool = toolsFor(undefined).find(({ name }) => name === params.name);
      if (!tool) return { content: content(`There is no tool "${params.name}" here.`), isError: true };
      const client = await connect();
      const data = await client.call(tool.key, (params.arguments ?? {}) as never, { signal: mcpReq.signal });
      return { content: content(resultText(tool, data)) };
    } catch (error) {
      return { content: content(textOf(error)), isError: true };
    }
  });
  return server;
}

/** Serves until the other side closes its end. */
export function serveMcp(options: McpServerOptions): void {
  serveStdio(() => createMcpServer(options));
}
