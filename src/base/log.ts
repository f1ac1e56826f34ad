/** Structured logs (pino, JSON lines). Secrets are redacted by key name and by form. */
import pino, { type DestinationStream, type Logger } from 'pino';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'child'>;

const SECRET_KEYS = ['authorization', 'apiKey', 'key', 'token', 'secret', 'password', 'x-api-key', 'cookie'];
/** Provider keys, Godel keys and bearer values as they look in free text. */
const SECRET_FORMS =
  /\b(sk-[A-Za-z0-9_-]{8,}|godel_(?:sk|vk)_[A-Za-z0-9_-]{8,}|AIza[A-Za-z0-9_-]{20,}|Bearer\s+[A-Za-z0-9._~+/-]{8,})/g;

/** Replaces everything in `text` that looks like a secret. */
export function redact(text: string): string {
  return text.replaceAll(SECRET_FORMS, '[redacted]');
}

function redactingDestination(inner: DestinationStream): DestinationStream {
  return { write: (line: string) => inner.write(redact(line)) };
}

export interface LogOptions {
  level: string;
  /** File appended to, or 2 for standard error. */
  destination: string | 2;
  name: string;
}

export function createLog(options: LogOptions): Log {
  const paths = SECRET_KEYS.flatMap((key) => [`["${key}"]`, `*["${key}"]`]);
  const inner = pino.destination({ dest: options.destination, mkdir: true, sync: true });
  return pino(
    { name: options.name, level: options.level, redact: { paths, censor: '[redacted]' } },
    redactingDestination(inner),
  );
}
