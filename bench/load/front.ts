import { randomUUID } from 'node:crypto';

/** Seats by name at our API, by index at a peer's. */
export type Seat = string | number;

export interface Choice {
  readonly showId: string;
  readonly seats: readonly Seat[];
}

/** Where buyers go: our API with the access tokens of its buyers, or a peer's front, which knows no accounts. */
export type FrontAddress =
  | { readonly kind: 'seatkeeper'; readonly origin: string; readonly buyers: readonly string[] }
  | { readonly kind: 'peer'; readonly origin: string };

/** The bytes of a buyer's requests, and where an answer has the booking's id. All of it is ASCII. */
export interface Front {
  readonly origin: string;
  hold(buyer: number, choice: Choice): string;
  pay(buyer: number, bookingId: string): string;
  bookingIdIn(body: Readonly<Record<string, unknown>>): string;
}

const payment = JSON.stringify({ method: 'card', token: 'tok_ok' });

export function frontAt(address: FrontAddress): Front {
  return address.kind === 'seatkeeper' ? seatkeeper(address.origin, address.buyers) : peer(address.origin);
}

function seatkeeper(origin: string, buyers: readonly string[]): Front {
  const nextKey = uniqueKeys();
  const post = (buyer: number, path: string, body: string): string =>
    postRequest(origin, `/api/v1${path}`, body, [
      `Authorization: Bearer ${buyers[buyer % buyers.length]!}`,
      `Idempotency-Key: ${nextKey()}`,
    ]);
  return {
    origin,
    hold: (buyer, { showId, seats }) => post(buyer, '/bookings', JSON.stringify({ showId, seatIds: seats })),
    pay: (buyer, bookingId) => post(buyer, `/bookings/${bookingId}/payment`, payment),
    bookingIdIn: (body) => body.id as string,
  };
}

function peer(origin: string): Front {
  return {
    origin,
    hold: (buyer, { showId, seats }) =>
      postRequest(origin, '/holds', JSON.stringify({ showId, seats, buyer: `buyer-${buyer}` })),
    pay: (_buyer, bookingId) => postRequest(origin, `/bookings/${bookingId}/payment`, payment),
    bookingIdIn: (body) => body.bookingId as string,
  };
}

function uniqueKeys(): () => string {
  const mine = randomUUID();
  let made = 0;
  return () => `${mine}-${made++}`;
}

function postRequest(origin: string, path: string, body: string, headers: readonly string[] = []): string {
  return [
    `POST ${path} HTTP/1.1`,
    `Host: ${origin.slice(origin.indexOf('//') + 2)}`,
    ...headers,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}
