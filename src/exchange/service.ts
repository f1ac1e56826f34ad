/** Handlers of import and export. An import is one transaction; a dry run is the same one, taken back. */
import type { Handlers } from '../access/context.ts';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/error.ts';
import { listBeads } from '../beads/listing.ts';
import type { Bead } from '../beads/schema.ts';
import { failure } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import type { Draft } from './draft.ts';
import { detectFormat, formats, readDrafts } from './formats.ts';
import { importDrafts } from './import.ts';
import type { exchangeOperations } from './operations.ts';
import type { FormatName, ImportReport } from './schema.ts';

type Service = Handlers<typeof exchangeOperations>;

export interface ExchangeServiceOptions {
  database: Database;
  units: UnitOfWork;
  clock: Clock;
  convoyId: (projectId: string, text: string) => Promise<string>;
  beadId: (projectId: string, text: string) => Promise<string>;
}

const PAGE = 1_000;

/** Leaves a transaction with what would have come of it. */
class TakenBack extends Error {
  readonly report: ImportReport;
  constructor(report: ImportReport) {
    super('a dry run is taken back');
    this.report = report;
  }
}

function draftsOf(text: string, given: FormatName | undefined): { format: FormatName; drafts: Draft[] } {
  const format = given ?? detectFormat(text);
  const hint = 'godel bead import --help shows the formats; --format names one.';
  if (!format) throw failure('bad-input', { problem: 'The text is in none of the formats.', hint });
  try {
    return { format, drafts: readDrafts(format, text) };
  } catch (error) {
    throw failure('bad-input', { problem: `It cannot be read as ${format}: ${messageOf(error)}.`, hint }, error);
  }
}

export function createExchangeService(options: ExchangeServiceOptions): Service {
  const { database, units, clock } = options;

  const read: Service['beadImport'] = async (input, { projectId, actor }) => {
    const { format, drafts } = draftsOf(input.text, input.format);
    try {
      return await units.run(async (unit) => {
        const done = await importDrafts(unit, { projectId, drafts, update: input.update, by: actor.name });
        const report = { format, dryRun: input.dryRun, ...done };
        if (input.dryRun) throw new TakenBack(report);
        return report;
      });
    } catch (error) {
      if (error instanceof TakenBack) return error.report;
      throw error;
    }
  };

  const write: Service['beadExport'] = async (input, { projectId }) => {
    const filter = {
      status: input.status,
      type: input.type,
      labels: input.label,
      convoy: input.convoy && (await options.convoyId(projectId, input.convoy)),
      parent: input.parent && (await options.beadId(projectId, input.parent)),
    };
    const beads: Bead[] = [];
    let cursor: string | undefined;
    do {
      const order = { sort: 'created', limit: PAGE, cursor } as const;
      const page = await listBeads(database.db, projectId, filter, order, clock.now());
      beads.push(...page.items);
      cursor = page.pagination.cursor;
    } while (cursor !== undefined);
    return { format: input.format, count: beads.length, text: formats[input.format].render(beads) };
  };

  return { beadImport: read, beadExport: write };
}
