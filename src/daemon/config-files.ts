/** Reads and writes the config files of a project and of the user; resolves them with the environment. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isMap, parseDocument } from 'yaml';
import { z } from 'zod';
import { messageOf } from '../base/error.ts';
import { statsOf } from '../base/stats.ts';
import {
  type Config,
  type ConfigLayer,
  configSchema,
  DAEMON_KEYS,
  ENVIRONMENT_KEYS,
  type ResolvedConfig,
  resolveConfig,
} from '../config.ts';
import { failure } from '../errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigFiles {
  /** Settings of the daemon itself: environment over user file. @throws GodelError config-invalid */
  daemon(): Promise<ResolvedConfig>;
  /** Settings for work in one project. @throws GodelError config-invalid */
  project(projectPath: string): Promise<ResolvedConfig>;
  /** Writes one setting; comments of the file are kept. @throws GodelError config-invalid, bad-input */
  set(target: { projectPath?: string }, key: string, value: string): Promise<{ value: unknown; origin: string }>;
}

export const projectConfigFile = (projectPath: string) => join(projectPath, '.godel', 'config.yaml');

async function readLayer(file: string): Promise<ConfigLayer> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return '';
    throw failure('config-invalid', { file, problem: messageOf(error) }, error);
  });
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem) throw failure('config-invalid', { file, problem: messageOf(problem) }, problem);
  const values: unknown = document.toJS() ?? {};
  if (typeof values !== 'object' || Array.isArray(values)) {
    throw failure('config-invalid', { file, problem: 'it is not a list of settings (key: value)' });
  }
  return { origin: file, values: values as Record<string, unknown> };
}

function environmentLayer(env: Environment): ConfigLayer {
  const values = Object.entries(ENVIRONMENT_KEYS).map(([key, variable]) => [key, env[variable] || undefined]);
  return { origin: 'environment', values: Object.fromEntries(values) as Record<string, unknown> };
}

function checked(layers: readonly ConfigLayer[]): ResolvedConfig {
  try {
    return resolveConfig(layers);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const [issue] = error.issues;
    const key = issue?.code === 'unrecognized_keys' ? issue.keys[0] : String(issue?.path[0] ?? '');
    const layer = layers.find((each) => key !== undefined && key in each.values);
    const problem = `${key}: ${issue?.message ?? 'not usable'}`;
    throw failure('config-invalid', { file: layer?.origin ?? 'configuration', problem }, error);
  }
}

/** Parses the text of a value as YAML, then checks it against the schema of its key. */
function parseValue(key: string, text: string): unknown {
  const shape = configSchema.shape as Record<string, z.ZodType>;
  const schema = shape[key];
  if (!schema) {
    const hint = `Settings: ${Object.keys(shape).join(', ')}`;
    throw failure('bad-input', { problem: `There is no setting "${key}".`, hint });
  }
  const candidates = [text, parseDocument(text).toJS() as unknown];
  const fits = candidates.map((candidate) => schema.safeParse(candidate)).find((result) => result.success);
  if (fits?.success) return fits.data;
  throw failure('bad-input', { problem: `"${text}" is not possible for ${key}.`, hint: schema.description ?? '' });
}

async function writeSetting(file: string, key: string, value: unknown): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const document = parseDocument(text);
  if (document.contents !== null && !isMap(document.contents)) {
    throw failure('config-invalid', { file, problem: 'it is not a list of settings (key: value)' });
  }
  document.set(key, value);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, document.toString(), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

export function createConfigFiles(userFile: string, env: Environment): ConfigFiles {
  /** Parsed files by path, valid while size and time of change stay the same. */
  const cache = new Map<string, { stamp: string; layer: ConfigLayer }>();
  const environment = environmentLayer(env);
  /** What they come to, by the file that was asked for: it is the same while they are. */
  const resolved = new Map<string, { layers: readonly ConfigLayer[]; result: ResolvedConfig }>();

  function resolve(file: string, layers: readonly ConfigLayer[]): ResolvedConfig {
    const known = resolved.get(file);
    if (known?.layers.every((layer, index) => layer === layers[index])) return known.result;
    const result = checked([environment, ...layers]);
    resolved.set(file, { layers, result });
    return result;
  }

  async function layerOf(file: string): Promise<ConfigLayer> {
    const info = statsOf(file);
    const stamp = info ? `${info.mtimeMs}:${info.size}` : 'absent';
    const known = cache.get(file);
    if (known?.stamp === stamp) return known.layer;
    const layer = await readLayer(file);
    cache.set(file, { stamp, layer });
    return layer;
  }

  return {
    daemon: async () => resolve(userFile, [await layerOf(userFile)]),
    async project(projectPath) {
      const file = projectConfigFile(projectPath);
      const [project, user] = await Promise.all([layerOf(file), layerOf(userFile)]);
      const own = DAEMON_KEYS.find((key) => key in project.values);
      if (own) throw failure('config-invalid', { file: project.origin, problem: `${own} belongs into ${userFile}` });
      return resolve(file, [project, user]);
    },
    async set(target, key, text) {
      const value = parseValue(key, text);
      const daemonKey = DAEMON_KEYS.includes(key as keyof Config);
      const file = target.projectPath === undefined || daemonKey ? userFile : projectConfigFile(target.projectPath);
      await writeSetting(file, key, value);
      return { value, origin: file };
    },
  };
}
