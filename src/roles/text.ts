/** The words of a role: its prompt with the names filled in, and what it is as text. Pure. */
import { facts, table } from '../base/table.ts';
import type { Role } from './schema.ts';

/** What a prompt may name, with what it stands for. */
export const PROMPT_NAMES = {
  agent: 'name of the agent',
  role: 'name of the role',
  project: 'name of the project',
  mainBranch: 'branch that work lands on',
  proof: 'proof command of the project',
  bead: 'id of its bead',
  title: 'title of its bead',
} as const;
export type PromptNames = Partial<Record<keyof typeof PROMPT_NAMES, string>>;

const NAME = /\{\{\s*([\w-]*)\s*\}\}/g;

/** The first name in a prompt that stands for nothing; undefined when all do. */
export function unknownName(prompt: string): string | undefined {
  return [...prompt.matchAll(NAME)].map((match) => match[1] ?? '').find((name) => !(name in PROMPT_NAMES));
}

/** The prompt with every name filled in; what an agent does not have reads as a dash. */
export function fillPrompt(prompt: string, names: PromptNames): string {
  return prompt.replaceAll(NAME, (_all, name: keyof PromptNames) => names[name] || '-').trim();
}

const listed = (words: readonly string[]) => words.join(', ');

export function roleText(role: Role, notEnforced: readonly string[]): string {
  const { permissions, limits } = role;
  const rows: [string, string | undefined][] = [
    ['from', role.file ?? role.origin],
    ['runtime', role.runtime],
    ['model', role.model && [role.provider, role.model].filter(Boolean).join('/')],
    ['tools', role.tools && (listed(role.tools) || 'none')],
    ['not held', notEnforced.length > 0 ? `${listed(notEnforced)}: no way to take its tools away` : undefined],
    ['may also', listed(permissions.allow)],
    ['may not', listed(permissions.deny)],
    [
      'limits',
      Object.entries(limits)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    ],
  ];
  const prompt = role.prompt === '' ? [] : ['', role.prompt];
  return [role.name, ...(role.description ? [role.description] : []), ...facts(rows, 9), ...prompt].join('\n');
}

export function rolesText(items: readonly Role[], problems: readonly { file: string; problem: string }[]): string {
  const rows = items.map((role) => [
    role.name,
    role.origin,
    role.model ?? '-',
    role.tools ? listed(role.tools) : 'all',
    role.description,
  ]);
  return [
    table(['ROLE', 'FROM', 'MODEL', 'TOOLS', 'WHAT'], rows),
    ...problems.map(({ file, problem }) => `${file} cannot be used: ${problem}`),
  ].join('\n');
}
