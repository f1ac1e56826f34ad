/** Heads of messages: what is read, and what is refused since another reader could see something else in it. */
import { describe, expect, test } from 'vitest';
import { fieldLines, fieldOf, recordOf, without } from '../../../proxy/http/fields.ts';
import { CHUNKED, HttpError, readAnswerHead, readRequestHead, UNTIL_CLOSE } from '../../../proxy/http/head.ts';

const request = (...lines: string[]) => readRequestHead(`POST /v1/x HTTP/1.1\r\n${lines.join('\r\n')}\r\n`);
const answer = (status: string, ...lines: string[]) =>
  readAnswerHead(`HTTP/1.1 ${status}\r\n${lines.map((line) => `${line}\r\n`).join('')}`);

describe('a request', () => {
  test('is read with names in lower case and values without the blanks around them', () => {
    const read = readRequestHead('GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Own:\t two words \t\r\nempty:\r\n');
    expect(read).toMatchObject({ method: 'GET', url: '/a?b=c', minor: 1, framing: 0, keepAlive: true });
    expect(recordOf(read.fields)).toEqual({ host: 'x', 'x-own': 'two words', empty: '' });
  });

  test('says how its body ends', () => {
    expect(request('host: x', 'content-length: 12').framing).toBe(12);
    expect(request('host: x', 'Transfer-Encoding: Chunked').framing).toBe(CHUNKED);
  });

  test('says whether its connection stays', () => {
    expect(request('host: x', 'connection: close').keepAlive).toBe(false);
    expect(request('host: x', 'connection: TE, close').keepAlive).toBe(false);
    expect(request('host: x', 'connection: closer').keepAlive).toBe(true);
    expect(request('host: x', 'connection: keep-alive', 'connection: Close').keepAlive).toBe(false);
    expect(readRequestHead('GET / HTTP/1.0\r\nconnection: keep-alive\r\n').keepAlive).toBe(false);
  });

  test.each([
    ['a length and chunks', ['host: x', 'content-length: 5', 'transfer-encoding: chunked']],
    ['two lengths', ['host: x', 'content-length: 5', 'content-length: 6']],
    ['one length twice', ['host: x', 'content-length: 5', 'content-length: 5']],
    ['two codings', ['host: x', 'transfer-encoding: chunked', 'transfer-encoding: gzip']],
    ['two hosts', ['host: x', 'host: y']],
    ['a list of lengths', ['host: x', 'content-length: 5, 5']],
    ['a length with a sign', ['host: x', 'content-length: +5']],
    ['a length that is no number', ['host: x', 'content-length: 0x5']],
    ['a length beyond counting', ['host: x', 'content-length: 99999999999999999']],
    ['a coding that is not known', ['host: x', 'transfer-encoding: gzip, chunked']],
    ['chunks twice', ['host: x', 'transfer-encoding: chunked, chunked']],
    ['a blank before the colon', ['host: x', 'content-length : 5']],
    ['a line that goes on', ['host: x', 'x-a: 1', ' content-length: 5']],
    ['a line without a colon', ['host: x', 'content-length']],
    ['no name', ['host: x', ': 5']],
    ['a NUL', ['host: x', 'x-a: \0']],
    ['a bare line feed', ['host: x', 'x-a: 1\ncontent-length: 5']],
    ['a bare carriage return', ['host: x', 'x-a: 1\rcontent-length: 5']],
    ['no host', ['x-a: 1']],
  ])('with %s is refused', (_name, lines) => {
    expect(() => request(...lines)).toThrow(HttpError);
  });

  test.each([
    'GET  / HTTP/1.1',
    'GET /a b HTTP/1.1',
    'GET / HTTP/2.0',
    'GET / http/1.1',
    'GET /',
    ' GET / HTTP/1.1',
    'GET /\u0001 HTTP/1.1',
    '{"model":"x"}',
  ])('that begins with %j is refused', (line) => {
    expect(() => readRequestHead(`${line}\r\nhost: x\r\n`)).toThrow(HttpError);
  });

  test('of HTTP/1.0 has no chunks', () => {
    expect(() => readRequestHead('POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n')).toThrow(HttpError);
  });
});

describe('an answer', () => {
  test('says how its body ends', () => {
    expect(answer('200 OK', 'content-length: 3')).toMatchObject({ status: 200, framing: 3, keepAlive: true });
    expect(answer('200', 'transfer-encoding: chunked')).toMatchObject({ framing: CHUNKED, keepAlive: true });
    expect(answer('200 OK')).toMatchObject({ framing: UNTIL_CLOSE, keepAlive: false });
    expect(answer('200 OK', 'content-length: 3', 'connection: close').keepAlive).toBe(false);
    for (const status of ['103 Early Hints', '204 No Content', '304 Not Modified'])
      expect(answer(status, 'content-length: 3').framing).toBe(0);
  });

  test.each(['HTTP/1.1 20 OK', 'HTTP/2 200 OK', 'HTTP/1.1  200 OK', 'SSH-2.0-OpenSSH_9.2', ''])(
    'that begins with %j is refused',
    (line) => {
      expect(() => readAnswerHead(`${line}\r\ncontent-length: 0\r\n`)).toThrow(HttpError);
    },
  );
});

describe('fields', () => {
  const fields = ['a', '1', 'b', '2', 'a', '3'];
  test('are found, left out and written', () => {
    expect([fieldOf(fields, 'a'), fieldOf(fields, 'b'), fieldOf(fields, '2')]).toEqual(['1', '2', undefined]);
    expect(without(fields, 'a')).toEqual(['b', '2']);
    expect(fieldLines(fields)).toBe('a: 1\r\nb: 2\r\na: 3\r\n');
  });
  test.each(['1\r\nx: 2', '\0', '€'])('%j is not sent', (value) => {
    expect(() => fieldLines(['a', value])).toThrow(TypeError);
  });
});
