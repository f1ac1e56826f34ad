/**
 * Reports are read in a thread of their own with a connection of its own: a sum over a million rows must not hold up a
 * stream. The thread is started when it is asked for and ends when nobody has asked for a while.
 */
import { fileURLToPath } from 'node:url';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import SQLite from 'better-sqlite3';
import { messageOf } from '../src/base/error.ts';
import type { LedgerFilter, UsageReport } from '../src/costs/schema.ts';
import { createReports, type EntryPage, type Reports, type UsageQuery } from './reports.ts';

export type EntryQuery = LedgerFilter & { limit: number; cursor?: string | undefined; newest?: boolean | undefined };

export interface ReportReader {
  usage(query: UsageQuery): Promise<UsageReport>;
  entries(query: EntryQuery): Promise<EntryPage>;
  stop(): Promise<void>;
}

type Call = { id: number } & ({ name: 'usage'; query: UsageQuery } | { name: 'entries'; query: EntryQuery });
type Answer = { id: number; value?: unknown; problem?: string };

const IDLE_MS = 20_000;

/** Reads in this thread, for tests and small tools. */
export function readHere(reports: Reports): ReportReader {
  return {
    usage: async (query) => reports.usage(query),
    entries: async (query) => reports.entries(query),
    stop: async () => {},
  };
}

/** Answers calls in a thread that was started for it. */
export function serveReports(): void {
  const { ledgerFile } = workerData as { ledgerFile: string };
  const db = new SQLite(ledgerFile, { readonly: true, timeout: 5_000 });
  const reports = createReports(db);
  parentPort?.on('message', (call: Call) => {
    let answer: Answer;
    try {
      const value = call.name === 'usage' ? reports.usage(call.query) : reports.entries(call.query);
      answer = { id: call.id, value };
    } catch (error) {
      answer = { id: call.id, problem: messageOf(error) };
    }
    parentPort?.postMessage(answer);
  });
}

interface Waiter {
  resolve: (value: never) => void;
  reject: (error: Error) => void;
}

/** `prepare` is called before each report: rows that wait for their group are to be seen. */
export function createReportReader(
  ledgerFile: string,
  prepare: () => void,
  program = fileURLToPath(import.meta.url),
): ReportReader {
  const waiting = new Map<number, Waiter>();
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last = 0;

  function start(): Worker {
    const started = new Worker(program, { workerData: { ledgerFile }, env: {} });
    started.unref();
    started.on('message', ({ id, value, problem }: Answer) => {
      const waiter = waiting.get(id);
      waiting.delete(id);
      if (problem === undefined) waiter?.resolve(value as never);
      else waiter?.reject(new Error(problem));
    });
    const lost = (error: Error) => {
      if (worker === started) worker = undefined;
      for (const waiter of waiting.values()) waiter.reject(error);
      waiting.clear();
    };
    started.on('error', lost);
    started.on('exit', () => lost(new Error('the report thread ended')));
    return started;
  }

  function rest(): void {
    clearTimeout(idle);
    idle = setTimeout(() => {
      if (waiting.size > 0) return rest();
      const ending = worker;
      worker = undefined;
      void ending?.terminate();
    }, IDLE_MS);
    idle.unref();
  }

  function call<T>(name: Call['name'], query: unknown): Promise<T> {
    prepare();
    worker ??= start();
    const id = ++last;
    rest();
    return new Promise<T>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker?.postMessage({ id, name, query });
    });
  }

  return {
    usage: (query) => call('usage', query),
    entries: (query) => call('entries', query),
    async stop() {
      clearTimeout(idle);
      await worker?.terminate();
    },
  };
}
