import { Writable } from 'node:stream';
import { createOutput } from '../../src/supervisor/output.ts';

/** What is written to it, as one text. */
class Paper extends Writable {
  text = '';
  readonly isTTY: boolean;
  constructor(isTTY: boolean) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
  }
  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }
}

describe('what is announced', () => {
  it('is one line of JSON for programs', () => {
    const paper = new Paper(false);
    createOutput(paper, 'error').announce('supervisor', { api: 'http://a' }, 'ready', 'a block\n');
    expect(paper.text.endsWith('\n')).toBe(true);
    expect(JSON.parse(paper.text)).toMatchObject({ part: 'supervisor', api: 'http://a', msg: 'ready' });
  });

  it('is, on a terminal, that line and then the block for a person', () => {
    const paper = new Paper(true);
    createOutput(paper, 'error').announce('supervisor', { api: 'http://a' }, 'ready', 'a block\n');
    const [line, ...block] = paper.text.split('\n');
    expect(JSON.parse(line!)).toMatchObject({ msg: 'ready' });
    expect(block).toEqual(['a block', '']);
  });
});

describe('what is explained', () => {
  it('is a line of the log, and a sentence for a person where no level hides it', () => {
    for (const level of ['info', 'silent']) {
      const [paper, people] = [new Paper(false), new Paper(true)];
      createOutput(paper, level, people).explain('supervisor', 'error', { api: 'http://a' }, 'It runs.', '  at a\n');
      expect(people.text).toBe('It runs.\n  at a\n');
      if (level === 'silent') expect(paper.text).toBe('');
      else expect(JSON.parse(paper.text)).toMatchObject({ level: 50, api: 'http://a', msg: 'It runs.' });
    }
  });

  it('is said once on a terminal, without the fields of the log', () => {
    const [paper, people] = [new Paper(true), new Paper(true)];
    createOutput(paper, 'silent', people).explain('supervisor', 'fatal', { api: 'http://a' }, 'It runs.', '  at a\n');
    expect(paper.text).toContain('It runs.');
    expect(paper.text).not.toContain('http://a');
    expect(paper.text.endsWith('\n  at a\n')).toBe(true);
    expect(people.text).toBe('');
  });
});
