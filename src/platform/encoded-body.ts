import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

export type Encoding = 'identity' | 'gzip' | 'br';
/** In the order in which they are preferred where a client likes them equally. */
export const encodings = ['br', 'gzip', 'identity'] as const satisfies readonly Encoding[];

/** Fast levels: a body is compressed once for all its readers, but they wait for it. */
const GZIP_LEVEL = 5;
const BROTLI_QUALITY = 4;

const compressors = {
  gzip: (plain: Buffer) => promisify(gzip)(plain, { level: GZIP_LEVEL }),
  br: (plain: Buffer) =>
    promisify(brotliCompress)(plain, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
        [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
        [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
      },
    }),
};

/** A body that many readers get as it is: each encoding is made once, when it is first asked for. */
export class EncodedBody {
  readonly plain: Buffer;
  readonly #making: Partial<Record<Encoding, Promise<Buffer>>> = {};
  readonly #made: Partial<Record<Encoding, Buffer>>;

  constructor(plain: Buffer) {
    this.plain = plain;
    this.#made = { identity: plain };
  }

  in(encoding: Encoding): Promise<Buffer> {
    if (encoding === 'identity') return Promise.resolve(this.plain);
    return (this.#making[encoding] ??= this.#make(encoding));
  }

  /** The encoding, if it has been made already; null otherwise. */
  made(encoding: Encoding): Buffer | null {
    return this.#made[encoding] ?? null;
  }

  async #make(encoding: Exclude<Encoding, 'identity'>): Promise<Buffer> {
    return (this.#made[encoding] = await compressors[encoding](this.plain));
  }
}
