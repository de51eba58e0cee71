import { readEvents, type SeatMapEvent } from '../../bench/load/event-stream.ts';
import { latenciesOf } from '../../bench/load/seen-changes.ts';
import { changeEvent, heartbeat, reconnectAfter } from '../../src/live/stream-events.ts';

const hold = { showId: 'show', seat: 7, answeredAtMs: 1_000 };

describe('how long a change takes to a watcher', () => {
  const firstSeen = new Map([[7, 12]]);

  it('counts from the answer to the first version that has it', () => {
    const watchers = [{ versions: [10, 11, 12, 13], atMs: [900, 1_010, 1_050, 1_400] }];
    expect(latenciesOf(hold, firstSeen, watchers)).toEqual({ latenciesMs: [50], unseen: 0 });
  });

  it('takes a later version where that one was left out, and is below 0 where it came before the answer', () => {
    const watchers = [
      { versions: [10, 15], atMs: [900, 1_300] },
      { versions: [10, 12], atMs: [900, 990] },
    ];
    expect(latenciesOf(hold, firstSeen, watchers).latenciesMs).toEqual([300, -10]);
  });

  it('counts watchers who never saw it', () => {
    const behind = { versions: [10, 11], atMs: [900, 1_010] };
    expect(latenciesOf(hold, firstSeen, [behind])).toEqual({ latenciesMs: [], unseen: 1 });
    expect(latenciesOf(hold, new Map(), [behind]).unseen).toBe(1);
  });
});

describe('the reader of event streams', () => {
  const first = changeEvent(12, [[7, 'h']]);
  const bytes = Buffer.concat([reconnectAfter(500), first, heartbeat, changeEvent(13, [[8, 'b']])]);
  const eventsIn = (part: Buffer): { events: SeatMapEvent[]; read: number } => {
    const events: SeatMapEvent[] = [];
    return { events, read: readEvents(part, (event) => events.push(event)) };
  };

  it('finds the events our API writes, and where their data stands', () => {
    const { events, read } = eventsIn(bytes);
    expect(events.map(({ version }) => version)).toEqual([12, 13]);
    const { dataStart, dataEnd } = events[0]!;
    expect(JSON.parse(bytes.toString('utf8', dataStart, dataEnd))).toEqual({ version: 12, changes: [[7, 'h']] });
    expect(read).toBe(bytes.length);
  });

  it('leaves an event that has yet to come to its end', () => {
    for (let length = 1; length < first.length; length++) {
      expect(eventsIn(first.subarray(0, length))).toEqual({ events: [], read: 0 });
    }
  });
});
