/** What the proxy benchmark measures: direct, nginx, a bare pass-through, Godel as it is shipped, Portkey. Each its own process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../src/base/free-port.ts';
import { homePaths } from '../../src/base/paths.ts';
import { run } from '../../src/base/process.ts';
import { policySchema } from '../../src/costs/schema.ts';
import { createProxyClient } from '../../src/daemon/proxy-client.ts';
import { PROXY_NODE_OPTIONS } from '../../src/daemon/proxy-process.ts';

export interface Target {
  name: string;
  url: string;
  headers: Record<string, string>;
  /** Processes whose time is counted; none for what stands in no process of its own. */
  pids: number[];
}

export interface Started {
  target: Target;
  stop(): Promise<void>;
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const NGINX = 'nginx';
const PORTKEY = '@portkey-ai/gateway@1.15.2';
/** As published it answers every stream with 500; this version of its server does not. */
const HONO = '1.13.7';

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await Promise.race([gone, delay(3_000).then(() => child.kill('SIGKILL'))]);
}

/** A script that prints its port. */
export async function startScript(
  file: string,
  args: readonly string[] = [],
): Promise<{ port: number; child: ChildProcess }> {
  const child = spawn(process.execPath, [here(file), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) return { port: Number(line), child };
  throw new Error(`${file} did not start`);
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const ok = await fetch(url).then(
      () => true,
      () => false,
    );
    if (ok) return;
    await delay(100);
  }
  throw new Error(`${url} does not answer`);
}

export async function startPassthrough(upstream: string): Promise<Started> {
  const { port, child } = await startScript('./proxy-passthrough.ts', [upstream]);
  const target = { name: 'node + undici', url: `http://127.0.0.1:${port}`, headers: {}, pids: [child.pid ?? 0] };
  return { target, stop: () => end(child) };
}

/** Undefined when nginx is not installed. */
export async function startNginx(upstream: string, folder: string): Promise<Started | undefined> {
  const found = await run(NGINX, ['-v'], {}).catch(() => undefined);
  if (found?.code !== 0) return undefined;
  const port = await freePort();
  const conf = `worker_processes 1; daemon off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s; client_max_body_size 64m; client_body_buffer_size 1m;
  keepalive_requests 1000000;
  upstream provider { server ${new URL(upstream).host}; keepalive 512; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
  }
}`;
  await writeFile(join(folder, 'nginx.conf'), conf);
  const child = spawn(NGINX, ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await answers(url);
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').catch(() => '');
  const pids = [child.pid ?? 0, ...children.trim().split(/\s+/).filter(Boolean).map(Number)];
  return { target: { name: 'nginx', url, headers: {}, pids }, stop: () => end(child) };
}

/** The compiled proxy with everything on: key, limits, budget, prices, ledger on disk, followers of its traffic. */
export async function startGodel(
  upstream: string,
  folder: string,
  nodeOptions: readonly string[] = [],
): Promise<Started> {
  const env = { PATH: process.env.PATH ?? '', HOME: folder, GODEL_HOME: join(folder, 'home'), GODEL_PROXY_PORT: '0' };
  const paths = homePaths(env);
  await mkdir(paths.stateDir, { recursive: true });
  const child = spawn(process.execPath, [...PROXY_NODE_OPTIONS, ...nodeOptions, here('../../dist/proxy.js')], {
    env,
    stdio: 'inherit',
  });
  for (let tries = 0; !existsSync(paths.proxyFile); tries += 1) {
    if (tries > 600) throw new Error('the proxy did not start');
    await delay(50);
  }
  const { port } = JSON.parse(await readFile(paths.proxyFile, 'utf8')) as { port: number };
  const client = createProxyClient(paths.proxySocketFile);
  const keys = [{ id: 'bench', value: 'provider-key' }];
  const provider = {
    id: 'openai',
    dialect: 'openai',
    api: ['chat'],
    baseUrl: upstream,
    keys,
    models: ['burst', 'paced'],
  };
  const price = { input: 1, output: 2, cache_read: 0.1 };
  await client.putPolicy(
    policySchema.parse({
      providers: [provider],
      prices: { 'openai/burst': price, 'openai/paced': price },
      limits: {
        agent: { requests_per_minute: 100_000_000, tokens_per_minute: 100_000_000_000, concurrent: 10_000 },
        project: { requests_per_day: 1_000_000_000 },
      },
    }),
  );
  const token = `godel_vk_${randomBytes(24).toString('base64url')}`;
  await client.putKey({
    hash: createHash('sha256').update(token).digest('hex'),
    agentId: 'bench-agent',
    agentName: 'bench',
    projectId: 'bench',
    beadId: 'godel-bench',
    budgetNano: Number.MAX_SAFE_INTEGER,
    createdAt: new Date().toISOString(),
  });
  const following = new AbortController();
  const followed = client
    .activity({ onActivity: () => {}, onNotice: () => {} }, following.signal)
    .catch(() => undefined);
  const headers = { authorization: `Bearer ${token}` };
  return {
    target: { name: 'godel', url: `http://127.0.0.1:${port}`, headers, pids: [child.pid ?? 0] },
    async stop() {
      following.abort();
      await followed;
      await client.close();
      await end(child);
    },
  };
}

/** Undefined when the registry does not give it. */
export async function startPortkey(upstream: string, folder: string): Promise<Started | undefined> {
  const home = join(folder, 'portkey');
  await mkdir(home, { recursive: true });
  const manifest = { name: 'portkey-bench', private: true, overrides: { '@hono/node-server': HONO } };
  await writeFile(join(home, 'package.json'), JSON.stringify(manifest));
  const npm = await run('npm', ['install', PORTKEY, '--no-audit', '--no-fund'], {
    cwd: home,
    timeoutMs: 300_000,
  }).catch(() => undefined);
  if (npm?.code !== 0) return undefined;
  const port = await freePort();
  const script = join(home, 'node_modules/@portkey-ai/gateway/build/start-server.js');
  const child = spawn(process.execPath, [script, `--port=${port}`, '--headless'], { cwd: home, stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await answers(url);
  const config = JSON.stringify({ provider: 'openai', custom_host: `${upstream}/v1`, api_key: 'provider-key' });
  return {
    target: { name: 'portkey', url, headers: { 'x-portkey-config': config }, pids: [child.pid ?? 0] },
    stop: () => end(child),
  };
}
