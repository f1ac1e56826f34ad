/** The doctor's round: the home first, then every project. */
import type { Handlers } from '../access/context.ts';
import { messageOf } from '../base/error.ts';
import type { Project } from '../repos/schema.ts';
import type { doctorOperations } from './operations.ts';
import type { Finding } from './schema.ts';

export interface DoctorServiceOptions {
  /** Named checks of the home; each says what is wrong, or nothing. */
  homeChecks: Readonly<Record<string, () => Promise<string | undefined>>>;
  /** Things of the home that are as they are, and that a person may want to know. */
  homeNotes: Readonly<Record<string, () => Promise<string>>>;
  projects: () => Promise<Project[]>;
  /** Compares a project's database and ref. */
  examine: (project: Project, repair: boolean) => Promise<Omit<Finding, 'project'>[]>;
}

export function createDoctorService(options: DoctorServiceOptions): Handlers<typeof doctorOperations> {
  async function home(): Promise<Finding[]> {
    const checks = Object.entries(options.homeChecks).map(async ([check, look]): Promise<Finding> => {
      const problem = await look().catch(messageOf);
      return { check, status: problem === undefined ? 'ok' : 'problem', detail: problem ?? '' };
    });
    const notes = Object.entries(options.homeNotes).map(
      async ([check, look]): Promise<Finding> => ({ check, status: 'ok', detail: await look().catch(messageOf) }),
    );
    return Promise.all([...checks, ...notes]);
  }

  return {
    async doctorRun(input) {
      const findings = await home();
      for (const project of await options.projects()) {
        const found = await options
          .examine(project, input.repair)
          .catch((error: unknown) => [{ check: 'repository', status: 'problem' as const, detail: messageOf(error) }]);
        findings.push(...found.map((finding) => ({ ...finding, project: project.name })));
      }
      return { healthy: findings.every((finding) => finding.status !== 'problem'), findings };
    },
  };
}
