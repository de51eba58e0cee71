import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { PortBook } from '../../src/supervisor/port-book.ts';
import { freePort } from '../setup/free-port.ts';

const books: PortBook[] = [];
afterEach(() => Promise.all(books.splice(0).map((book) => book.giveBack())));

function open(env: NodeJS.ProcessEnv, remembered: Readonly<Record<string, number>> = {}): PortBook {
  const book = new PortBook(env, remembered);
  books.push(book);
  return book;
}

describe('the ports of a start', () => {
  it('are the same at the next one, where they were chosen', async () => {
    const book = open({});
    const port = await book.reserve('PORT', await freePort());
    expect(book.chosen).toEqual({ PORT: port });
  });

  it('are forgotten where a person named them, and what was chosen before is not', async () => {
    const named = await freePort();
    const book = open({ PORT: String(named) }, { PORT: 3007 });
    expect(await book.reserve('PORT', 3000)).toBe(named);
    expect(book.chosen).toEqual({ PORT: 3007 });
  });

  it('come with the reason why one is not what a person would expect', async () => {
    const taken = createServer().listen(0);
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    try {
      const first = open({});
      const chosen = await first.reserve('PORT', port);
      expect(chosen).not.toBe(port);
      expect(first.whyNotFriendly('PORT')).toBe(`${port} is taken by another program`);
      await books.pop()!.giveBack();

      const next = open({}, first.chosen);
      expect(await next.reserve('PORT', port)).toBe(chosen);
      expect(next.whyNotFriendly('PORT')).toBe(`as at the last start; PORT=${port} asks for the usual one`);
    } finally {
      taken.close();
    }
  });
});
