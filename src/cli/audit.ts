import type { Client } from '@temporalio/client';
import { showMessages, type SeatMapView } from '../contracts/show-messages.ts';
import { showWorkflowId } from '../contracts/workflow-ids.ts';
import { auditRowsOfShow, type AuditedBooking, type AuditedMoney } from '../read-model/audit-rows.ts';
import type { ReadModel } from '../read-model/database.ts';
import { getJson } from './patience.ts';

/** The four records of a sale. */
export interface AuditSources {
  readonly db: ReadModel;
  readonly temporal: Client;
  /** Base addresses, without a path. */
  readonly api: string;
  readonly paymentSimulator: string;
}

export interface ShowAudit {
  readonly figures: {
    readonly seats: number;
    readonly bookings: number;
    /** Seats of confirmed bookings, by each record that knows. */
    readonly seatsSold: {
      readonly bookings: number;
      readonly rows: number;
      readonly workflow: number;
      readonly api: number;
    };
    /** Minor units. */
    readonly money: { readonly owed: number; readonly payments: number; readonly ledger: number };
  };
  /** Ids of the bookings that are confirmed. */
  readonly confirmed: ReadonlySet<string>;
  /** One sentence each; none when all records agree. */
  readonly differences: readonly string[];
}

interface LedgerItem {
  readonly id: string;
  readonly kind: 'charge' | 'refund';
  readonly bookingId: string;
  readonly amount: { readonly amount: number };
}

/**
 * Compares what API, Postgres, show workflow and provider's ledger say of one show's sale: who has which seat, and that
 * captured − refunded is the price of what is confirmed and what policies keep, booking by booking, those that were
 * exchanged together. For a quiet show: what is still under way would count as a difference.
 *
 * The rule stands here a second time, beside that of reconciliation, and is summed up by Postgres: an audit that shared it
 * would find what is wrong with the records, and never what is wrong with the rule.
 */
export async function auditShow(sources: AuditSources, showId: string): Promise<ShowAudit> {
  const [{ bookings, money, bookedSeats }, workflow, api, ledger] = await Promise.all([
    auditRowsOfShow(sources.db, showId),
    sources.temporal.workflow.getHandle(showWorkflowId(showId)).query<SeatMapView>(showMessages.seatMap),
    getJson<{ statuses: string }>(`${sources.api}/api/v1/shows/${showId}/seats`),
    getJson<{ items: LedgerItem[] }>(`${sources.paymentSimulator}/ledger`),
  ]);
  const confirmed = bookings.filter((booking) => booking.status === 'CONFIRMED');
  const moved = netByBooking(ledger.items);
  const atProvider = ({ bookingIds }: AuditedMoney) => sum(bookingIds.map((id) => moved.get(id) ?? 0));
  const owners = ownersBySeat(workflow);
  return {
    figures: {
      seats: workflow.statuses.length,
      bookings: confirmed.length,
      seatsSold: {
        bookings: sum(confirmed.map((booking) => booking.seats.length)),
        rows: bookedSeats.length,
        workflow: workflow.counts.booked,
        api: count(api.statuses, 'b'),
      },
      money: {
        owed: sum(money.map(({ owed }) => owed)),
        payments: sum(money.map(({ captured, refunded }) => captured - refunded)),
        ledger: sum(money.map(atProvider)),
      },
    },
    confirmed: new Set(confirmed.map(({ id }) => id)),
    differences: [
      ...money.flatMap((each) => moneyDifferences(each, atProvider(each))),
      ...confirmed.flatMap((booking) => seatDifferences(booking, owners)),
      ...surplus('the show workflow', workflow.counts.booked, confirmed),
      ...surplus('table booked_seats', bookedSeats.length, confirmed),
      ...soldTwice(bookedSeats),
      ...(api.statuses === workflow.statuses ? [] : ['the API shows another seat map than the show workflow has']),
    ],
  };
}

function moneyDifferences(money: AuditedMoney, ledger: number): string[] {
  const { owed, unresolvedAttempts } = money;
  const recorded = money.captured - money.refunded;
  const name = `booking ${money.bookingIds.map((id, place) => `${id} (${money.statuses[place]})`).join(', then ')}`;
  return [
    ...(ledger === owed ? [] : [`${name}: the provider has ${ledger}, it should be ${owed}`]),
    ...(recorded === ledger ? [] : [`${name}: Postgres records ${recorded} as paid, the provider ${ledger}`]),
    ...(unresolvedAttempts === 0 ? [] : [`${name}: ${unresolvedAttempts} payment attempts have no outcome`]),
  ];
}

const seatDifferences = (booking: AuditedBooking, owners: ReadonlyMap<number, string>): string[] =>
  booking.seats.flatMap((seat) => {
    const owner = owners.get(seat);
    return owner === booking.id
      ? []
      : [`seat ${seat} of booking ${booking.id} is ${owner ?? 'nobody'}'s in the show workflow`];
  });

function surplus(record: string, booked: number, confirmed: readonly AuditedBooking[]): string[] {
  const sold = sum(confirmed.map((booking) => booking.seats.length));
  return booked === sold ? [] : [`${record} has ${booked} seats booked, the confirmed bookings have ${sold}`];
}

function soldTwice(bookedSeats: readonly string[]): string[] {
  const seen = new Set<string>();
  return bookedSeats.flatMap((seatId) => {
    if (seen.has(seatId)) return [`seat ${seatId} is sold twice`];
    seen.add(seatId);
    return [];
  });
}

function ownersBySeat({ claims, statuses }: SeatMapView): Map<number, string> {
  const owners = new Map<number, string>();
  claims.seats.forEach((seats, position) => {
    for (const seat of seats) if (statuses[seat] === 'b') owners.set(seat, claims.bookingIds[position]!);
  });
  return owners;
}

function netByBooking(items: readonly LedgerItem[]): Map<string, number> {
  const net = new Map<string, number>();
  for (const { bookingId, kind, amount } of items) {
    net.set(bookingId, (net.get(bookingId) ?? 0) + (kind === 'charge' ? amount.amount : -amount.amount));
  }
  return net;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const count = (text: string, character: string): number => text.split(character).length - 1;
