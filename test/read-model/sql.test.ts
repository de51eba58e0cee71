import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { recordBookingStates, recordConfirmations } from '../../src/read-model/booking-records.ts';
import { findBookings, insertHeldBookings, listBookingsOfUser } from '../../src/read-model/bookings.ts';
import type { ReadModel } from '../../src/read-model/database.ts';
import { findAnswers, saveAnswers } from '../../src/read-model/idempotency-answers.ts';
import { listMovies } from '../../src/read-model/movies.ts';
import {
  findAttemptsWithoutOutcome,
  findPaymentsOfBooking,
  insertPaymentAttempts,
  markPaymentsSent,
} from '../../src/read-model/payments.ts';
import { loadSeatMap, projectSeatMap, seatMapVersions } from '../../src/read-model/seat-maps.ts';
import { listShows } from '../../src/read-model/shows.ts';
import type { Tables } from '../../src/read-model/tables.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { someBooking, someConfirmation, someHold, someId, somePayment } from './bookings-of-tests.ts';
import { insertSomeShow } from './catalogue-of-tests.ts';

/**
 * The SQL that the read model sends where it matters how, committed so that a change of it is seen in review. After a
 * wanted change: `UPDATE_SQL=1 npm test -- test/read-model/sql.test.ts`.
 */
const FOLDER = join(import.meta.dirname, '../../src/read-model/sql');

const test = useTestDatabase();
const hold = someHold();
const page = { limit: 20 };

const calls: Readonly<Record<string, (db: ReadModel) => Promise<unknown>>> = {
  'bookings-insert-held': (db) => insertHeldBookings(db, [hold]),
  'bookings-find': (db) => findBookings(db, [hold.id]),
  'bookings-list-own': (db) => listBookingsOfUser(db, { userId: hold.userId, status: 'HELD' }, page),
  'payments-insert-attempts': (db) => insertPaymentAttempts(db, [{ ...somePayment(hold.id), method: 'card' }]),
  'payments-mark-sent': (db) => markPaymentsSent(db, [someId('pay')]),
  'payments-of-booking': (db) => findPaymentsOfBooking(db, hold.id),
  'payments-without-outcome': (db) => findAttemptsWithoutOutcome(db, { createdBeforeMs: 0, limit: 10 }),
  'bookings-record-states': (db) => recordBookingStates(db, [{ booking: someBooking({ ...hold, version: 2 }) }]),
  'bookings-record-confirmations': (db) => recordConfirmations(db, [someConfirmation(hold)]),
  'answers-save': (db) => saveAnswers(db, [{ ...anAnswer, status: 200, headers: {}, body: null, fingerprint: '' }]),
  'answers-find': (db) => findAnswers(db, [anAnswer]),
  'seat-maps-load': (db) => loadSeatMap(db, 'shw_none'),
  'seat-maps-versions': (db) => seatMapVersions(db, ['shw_none']),
  'seat-maps-project-changes': async (db) => {
    const { showId } = await insertSomeShow(test.db);
    await projectSeatMap(db, { showId, fromVersion: 0, toVersion: 1, asOfMs: 0, change: { seats: [[0, 'h']] } });
  },
  'seat-maps-project-whole': async (db) => {
    const { showId } = await insertSomeShow(test.db, { seatCount: 2 });
    await projectSeatMap(db, { showId, fromVersion: 0, toVersion: 1, asOfMs: 0, change: { full: 'ah' } });
  },
  'shows-list': (db) => listShows(db, { cityId: 'cit_1', date: '2026-11-20' }, page, 0),
  'movies-list': (db) => listMovies(db, { cityId: 'cit_1', date: '2026-11-20', genre: 'Drama', q: 'ring' }, page),
};
const anAnswer = { scope: 'usr_1 POST /quotes', key: someId('key') };

describe('generated SQL', () => {
  it.each(Object.keys(calls))('%s is as committed', async (name) => {
    const statements: string[] = [];
    const pool = new pg.Pool({ connectionString: test.url, max: 1 });
    // The pool is ended before its connection is: dropping the database may be what ends that.
    pool.on('error', () => undefined);
    const db = new Kysely<Tables>({
      dialect: new PostgresDialect({ pool }),
      log: ({ query }) => void statements.push(query.sql),
    });
    await calls[name]!(db);
    await db.destroy();
    const sql = statements.map((statement) => `${statement.trim()};\n`).join('\n');
    const file = join(FOLDER, `${name}.sql`);
    if (process.env.UPDATE_SQL === '1') {
      await mkdir(FOLDER, { recursive: true });
      await writeFile(file, sql);
    }
    expect(sql).toBe(await readFile(file, 'utf8'));
  });
});
