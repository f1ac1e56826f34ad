/**
 * A signature of one provider travels through a client of another dialect as `godel.<dialect>.<value>`, and comes back with the
 * conversation: the provider that made it gets it again, every other one never sees it. Pure.
 */
import type { Signature } from './neutral.ts';
import type { Wire } from './wire.ts';

const SEALED = /^godel\.(anthropic|chat|responses|google)(\.r)?\.([\s\S]*)$/;

/** As the client of dialect `to` gets it. */
export function seal(to: Wire, signature: Signature): string {
  if (signature.wire === to && !signature.redacted) return signature.value;
  return `godel.${signature.wire}${signature.redacted ? '.r' : ''}.${signature.value}`;
}

/** As the client of dialect `from` sent it; what bears no name is its own. */
export function unseal(from: Wire, text: string): Signature {
  const [, wire, redacted, value = ''] = SEALED.exec(text) ?? [];
  if (wire === undefined) return { wire: from, value: text };
  return { wire: wire as Wire, value, ...(redacted ? { redacted: true } : {}) };
}
