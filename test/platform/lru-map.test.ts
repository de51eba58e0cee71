import { LruMap } from '../../src/platform/lru-map.ts';

function mapOf(...keys: readonly string[]): LruMap<string, number> {
  const map = new LruMap<string, number>(3);
  keys.forEach((key, index) => map.set(key, index));
  return map;
}

test('what was asked for longest ago is forgotten first', () => {
  const map = mapOf('a', 'b', 'c');
  map.get('a');
  map.set('d', 3);
  expect([...map.keys()]).toEqual(['c', 'a', 'd']);
});

test('asked for again and again it stays the newest, also after it was deleted and set anew', () => {
  const map = mapOf('a', 'b', 'c');
  for (let times = 0; times < 3; times++) map.get('a');
  map.get('b');
  map.get('a');
  expect([...map.keys()]).toEqual(['c', 'b', 'a']);
  map.delete('a');
  expect(map.get('a')).toBeUndefined();
  map.set('d', 3);
  map.set('a', 4);
  map.get('b');
  expect([...map.keys()]).toEqual(['d', 'a', 'b']);
});

test('a glance is no use', () => {
  const map = mapOf('a', 'b', 'c');
  map.peek('a');
  map.set('d', 3);
  expect(map.peek('a')).toBeUndefined();
});
