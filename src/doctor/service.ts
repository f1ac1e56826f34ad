/** The doctor's round: the home first, then every project. */
import type { Handlers } from '../access/context.ts';
import { messageOf } from '../base/error.ts';
import type { Project } from '../repos/schema.ts';
import type { doctorOperations } from './operations.ts';
import type { Finding } from './schema.ts';

export interface DoctorServiceOptions {
  /** Named checks of the home; each says what is wrong, or nothing. */
  homeChecks: Readonly<Record<string, () => Promise<string | undefined>>>;
  projects: () => Promise<Project[]>;
  /** Compares a project's database and ref. */
  examine: (project: Project, repair: boolean) => Promise<Omit<Finding, 'project'>[]>;
}

export function createDoctorService(options: DoctorServiceOptions): Handlers<typeof doctorOperations> {
  async function home(): Promise<Finding[]> {
    return Promise.all(
      Object.entries(options.homeChecks).map(async ([check, look]): Promise<Finding> => {
        const problem = await look().catch(messageOf);
        return { check, status: problem === undefined ? 'ok' : 'problem', detail: problem ?? '' };
      }),
    );
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
