import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from './random.ts';

/** What becomes of webhooks on their way; each is a probability. */
export interface Carelessness {
  readonly duplicated: number;
  /** Overtaken by others: late by up to a second. */
  readonly delayed: number;
  /** Not delivered at all for now: its sender tries again, half a second later and more. */
  readonly lost: number;
  /** Sent on with another amount, with a signature of another secret, or signed long ago: each must be refused. */
  readonly forged: number;
}

export const careful: Carelessness = { duplicated: 0, delayed: 0, lost: 0, forged: 0 };
export const careless: Carelessness = { duplicated: 0.3, delayed: 0.4, lost: 0.15, forged: 0.25 };

/** As the contract has it. */
const SIGNATURE_TOLERANCE_MS = 300_000;
const DELAY_MAX_MS = 1_000;
const FORWARD_TIMEOUT_MS = 10_000;

export interface PostFigures {
  carried: number;
  duplicated: number;
  delayed: number;
  lost: number;
  forged: number;
}

const noFigures = (): PostFigures => ({ carried: 0, duplicated: 0, delayed: 0, lost: 0, forged: 0 });

/**
 * Stands between the provider and the API and carries webhooks as badly as networks and attackers do. What the API answers to the
 * true one goes back to the provider.
 */
export class WebhookPost {
  #figures = noFigures();
  /** What the API has answered to true ones, by status. */
  readonly answers = new Map<number, number>();
  /** Promises that were broken: forgeries that were accepted. */
  readonly broken: string[] = [];
  readonly #server: Server;
  readonly #port: number;
  readonly #apis: readonly string[];
  readonly #secret: string;
  #manner: { readonly carelessness: Carelessness; readonly random: Random } | null = null;

  private constructor(server: Server, port: number, apis: readonly string[], secret: string) {
    this.#secret = secret;
    this.#server = server;
    this.#port = port;
    this.#apis = apis;
  }

  /** `secret`: the true one, for what is true and comes too late. */
  static async open(port: number, apis: readonly string[], secret: string): Promise<WebhookPost> {
    const server = createServer((request, response) => {
      post.#carry(request).then(
        (answer) => response.writeHead(answer.status, { 'content-type': answer.contentType }).end(answer.body),
        () => response.writeHead(noAnswer.status).end(),
      );
    });
    const post = new WebhookPost(server, port, apis, secret);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return post;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What it has carried since `carryAs`. */
  get figures(): Readonly<PostFigures> {
    return { ...this.#figures };
  }

  /** A run begins: what it carries is counted anew. */
  carryAs(carelessness: Carelessness, random: Random): void {
    this.#manner = { carelessness, random };
    this.#figures = noFigures();
  }

  carryWell(): void {
    this.#manner = null;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #carry(request: IncomingMessage): Promise<Answer> {
    const letter: Letter = {
      path: request.url!,
      body: await text(request),
      signature: String(request.headers['x-signature']),
    };
    this.#figures.carried += 1;
    const { carelessness, random } = this.#manner ?? {};
    if (!carelessness || !random) return this.#toAny(letter, this.#apis[0]!);
    const [first, second] = random.chance(0.5) ? this.#apis : this.#apis.toReversed();
    const [isForged, isLost, isDelayed, isDuplicated] = (['forged', 'lost', 'delayed', 'duplicated'] as const).map(
      (fate) => random.chance(carelessness[fate]) && (this.#figures[fate] += 1) > 0,
    );
    const delayMs = random.between(1, DELAY_MAX_MS);
    if (isForged) await this.#forge(letter, second!, random);
    if (isLost) return noAnswer;
    if (isDelayed) await delay(delayMs);
    if (isDuplicated) void this.#deliver(letter, second!);
    return this.#toAny(letter, first!);
  }

  /** The other process, where the first one is away. */
  async #toAny(letter: Letter, api: string): Promise<Answer> {
    const otherApi = this.#apis.find((each) => each !== api)!;
    const first = await this.#deliver(letter, api);
    const answer = first !== null && first.status !== 503 ? first : await this.#deliver(letter, otherApi);
    if (answer !== null) this.answers.set(answer.status, (this.answers.get(answer.status) ?? 0) + 1);
    return answer ?? noAnswer;
  }

  /** Null: there was no answer. */
  async #deliver({ path, body, signature }: Letter, api: string): Promise<Answer | null> {
    const headers = { 'content-type': 'application/json', 'x-signature': signature };
    const signal = AbortSignal.timeout(FORWARD_TIMEOUT_MS);
    try {
      const response = await fetch(`${api}${path}`, { method: 'POST', headers, body, signal });
      const contentType = response.headers.get('content-type') ?? 'text/plain';
      return { status: response.status, contentType, body: await response.text() };
    } catch {
      return null;
    }
  }

  async #forge(letter: Letter, api: string, random: Random): Promise<void> {
    const kind = random.pick(Object.keys(forgeries) as (keyof typeof forgeries)[]);
    const answer = await this.#deliver(forgeries[kind](letter, this.#secret), api);
    if (answer !== null && answer.status < 300) this.broken.push(`a webhook was accepted with ${kind}: ${letter.body}`);
  }
}

interface Letter {
  readonly path: string;
  readonly body: string;
  readonly signature: string;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const noAnswer: Answer = { status: 503, contentType: 'text/plain', body: '' };

const forgeries = {
  'another amount': (letter: Letter): Letter => ({
    ...letter,
    body: letter.body.replace(/"amount":(\d+)/, (_, amount: string) => `"amount":${Number(amount) + 1}`),
  }),
  'the signature of another secret': (letter: Letter): Letter => ({
    ...letter,
    signature: signed(letter.body, Date.now(), 'a secret that nobody has given away'),
  }),
  'another time than was signed': (letter: Letter): Letter => ({
    ...letter,
    signature: letter.signature.replace(/t=(\d+)/, (_, at: string) => `t=${Number(at) + 1}`),
  }),
  'no signature': (letter: Letter): Letter => ({ ...letter, signature: '' }),
  /** A true one that somebody has kept: whoever has the secret has signed it, longer ago than the API takes. */
  'a signature that is too old': (letter: Letter, secret: string): Letter => ({
    ...letter,
    signature: signed(letter.body, Date.now() - SIGNATURE_TOLERANCE_MS - 60_000, secret),
  }),
} as const;

function signed(body: string, atMs: number, secret: string): string {
  const at = Math.floor(atMs / 1_000);
  return `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`;
}
