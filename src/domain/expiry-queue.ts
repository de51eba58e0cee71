export interface Expiring {
  readonly bookingId: string;
  expiresAtMs: number;
  /** Kept by the queue: position in it, -1 outside. */
  queueIndex: number;
}

/**
 * Holds by the time they end, equal times by booking id, so that the order never depends on how the queue came about.
 * A binary heap whose entries know their place: adding, moving and removing cost O(log n), the first one O(1).
 */
export class ExpiryQueue<Item extends Expiring> {
  readonly #heap: Item[] = [];

  first(): Item | undefined {
    return this.#heap[0];
  }

  add(item: Item): void {
    this.#place(item, this.#heap.length);
    this.#rise(item);
  }

  remove(item: Item): void {
    const index = item.queueIndex;
    const last = this.#heap.pop()!;
    item.queueIndex = -1;
    if (last === item) return;
    this.#place(last, index);
    this.moved(last);
  }

  /** To be called after an item's time has changed. */
  moved(item: Item): void {
    this.#rise(item);
    this.#sink(item);
  }

  /** The items due at this time, in order; they stay in the queue. */
  due(nowMs: number): Item[] {
    const found: Item[] = [];
    const visit = (index: number): void => {
      const item = this.#heap[index];
      if (item === undefined || item.expiresAtMs > nowMs) return;
      found.push(item);
      visit(2 * index + 1);
      visit(2 * index + 2);
    };
    visit(0);
    return found.sort((a, b) => (comesBefore(a, b) ? -1 : 1));
  }

  #rise(item: Item): void {
    let index = item.queueIndex;
    while (index > 0) {
      const parent = this.#heap[(index - 1) >> 1]!;
      if (!comesBefore(item, parent)) break;
      const above = parent.queueIndex;
      this.#place(parent, index);
      index = above;
    }
    this.#place(item, index);
  }

  #sink(item: Item): void {
    let index = item.queueIndex;
    for (;;) {
      const left = this.#heap[2 * index + 1];
      const right = this.#heap[2 * index + 2];
      if (left === undefined) break;
      const child = right !== undefined && comesBefore(right, left) ? right : left;
      if (!comesBefore(child, item)) break;
      const below = child.queueIndex;
      this.#place(child, index);
      index = below;
    }
    this.#place(item, index);
  }

  #place(item: Item, index: number): void {
    this.#heap[index] = item;
    item.queueIndex = index;
  }
}

function comesBefore(a: Expiring, b: Expiring): boolean {
  return a.expiresAtMs < b.expiresAtMs || (a.expiresAtMs === b.expiresAtMs && a.bookingId < b.bookingId);
}
