/** Remembers in the home folder for which projects the first questions were asked. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

const memorySchema = z.object({ asked: z.array(z.string()) });

export interface SetupMemory {
  wasAsked(projectId: string): boolean;
  /** Throws when the folder cannot be written. */
  remember(projectId: string): void;
}

export function createSetupMemory(file: string): SetupMemory {
  const read = (): string[] => {
    try {
      const parsed = memorySchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
      return parsed.success ? parsed.data.asked : [];
    } catch {
      // No such file yet, or not readable: then the questions are asked.
      return [];
    }
  };
  return {
    wasAsked: (projectId) => read().includes(projectId),
    remember(projectId) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify({ asked: [...new Set([...read(), projectId])] }), { mode: 0o600 });
    },
  };
}
