import { isDeepStrictEqual } from 'node:util';

export type Body = Readonly<Record<string, unknown>>;

/** One request with a key, and what its client was told first. */
export interface ToldAnswer {
  readonly method: 'POST';
  readonly path: string;
  readonly token: string;
  readonly key: string;
  readonly body: unknown;
  readonly status: number;
  readonly answer: Body;
}

/** What one client knows of its booking. */
export interface ToldBooking {
  readonly id: string;
  readonly showId: string;
  readonly token: string;
  status: string;
  seatIds: readonly string[];
  /** A call of it has no outcome that its client knows: it may have become anything that the call could make of it. */
  isUnsure: boolean;
}

/** Only the first say what is wrong. */
const BROKEN_MAX = 200;

/** What clients were told in a run, which the service has to stand by. */
export class Told {
  readonly bookings = new Map<string, ToldBooking>();
  readonly answers = new Map<string, ToldAnswer>();
  /** Promises that clients saw broken. */
  readonly broken: string[] = [];
  /** Seat maps as somebody has seen them first, by show and version. */
  readonly #maps = new Map<string, string>();

  break(what: string): void {
    if (this.broken.length < BROKEN_MAX) this.broken.push(what);
  }

  /** One version has one map, whoever looks, and at whichever process. */
  seeMap(showId: string, version: number, statuses: string): void {
    const name = `${showId} ${version}`;
    const first = this.#maps.get(name);
    if (first === undefined) this.#maps.set(name, statuses);
    else if (first !== statuses) this.break(`version ${version} of show ${showId} was ${first}, and ${statuses}`);
  }

  /** Keeps a first answer, and holds every later one of the same key against it. */
  hear(told: ToldAnswer): void {
    const first = this.answers.get(told.key);
    if (first === undefined) this.answers.set(told.key, told);
    else this.compare(first, told.status, told.answer);
  }

  compare(first: ToldAnswer, status: number, answer: Body): void {
    const what = `${first.method} ${first.path} with key ${first.key}`;
    if (status !== first.status) {
      this.break(
        `${what} was answered ${first.status} ${String(first.answer.code ?? first.answer.status)}, then ${status} ${String(answer.code ?? answer.status)}`,
      );
    } else if (!isDeepStrictEqual(withoutRequest(answer), withoutRequest(first.answer))) {
      this.break(`${what} was answered ${JSON.stringify(first.answer)}, then ${JSON.stringify(answer)}`);
    }
  }
}

/** An error names the request that it answers; a repeat is another one. */
const withoutRequest = ({ requestId: _, ...answer }: Body): Body => answer;
