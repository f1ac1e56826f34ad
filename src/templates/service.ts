/** Reads templates from the project folder; nothing is kept of them. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Handlers } from '../access/context.ts';
import type { Clock } from '../base/clock.ts';
import { GodelError, messageOf } from '../base/error.ts';
import type { PlannedBead } from '../beads/creating.ts';
import { failure } from '../errors.ts';
import type { templateOperations } from './operations.ts';
import { assertLinks, countBeads, planTemplate } from './plan.ts';
import { type Template, templateFileSchema } from './schema.ts';

const FILE = /^[\w-]+\.ya?ml$/;

export interface TemplateService extends Handlers<typeof templateOperations> {
  /** The beads a template makes. @throws GodelError template-not-found, template-invalid, bad-input */
  plan(projectId: string, name: string, vars: readonly string[], title: string | undefined): Promise<PlannedBead[]>;
}

function problemOf(error: unknown): string {
  if (!(error instanceof z.ZodError)) return messageOf(error);
  const [issue] = error.issues;
  return `${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'cannot be read'}`;
}

async function readTemplate(file: string): Promise<Template> {
  try {
    const content = templateFileSchema.parse(parse(await readFile(file, 'utf8')));
    const name = basename(file).replace(/\.ya?ml$/, '');
    const template = { ...content, name, file, beads: countBeads(content.bead) };
    // Its links are checked now and not when somebody is in a hurry.
    assertLinks(template);
    return template;
  } catch (error) {
    if (error instanceof GodelError) throw error;
    throw failure('template-invalid', { file, problem: problemOf(error) }, error);
  }
}

export function createTemplateService(options: {
  clock: Clock;
  projectPath: (id: string) => Promise<string>;
}): TemplateService {
  async function filesOf(projectId: string): Promise<string[]> {
    const folder = join(await options.projectPath(projectId), '.godel', 'templates');
    const names = await readdir(folder).catch(() => []);
    return names
      .filter((name) => FILE.test(name))
      .sort()
      .map((name) => join(folder, name));
  }

  async function find(projectId: string, name: string): Promise<Template> {
    const file = (await filesOf(projectId)).find((each) => basename(each).replace(/\.ya?ml$/, '') === name);
    if (!file) throw failure('template-not-found', { name });
    return readTemplate(file);
  }

  return {
    plan: async (projectId, name, vars, title) =>
      planTemplate(await find(projectId, name), vars, options.clock.now(), title),
    async templateList(_input, { projectId }) {
      const items: Template[] = [];
      const problems: { file: string; problem: string }[] = [];
      for (const file of await filesOf(projectId)) {
        try {
          items.push(await readTemplate(file));
        } catch (error) {
          problems.push({
            file,
            problem: error instanceof GodelError ? String(error.params.problem) : messageOf(error),
          });
        }
      }
      return { items, problems };
    },
    templateShow: ({ name }, { projectId }) => find(projectId, name),
  };
}
