import { answer } from '../api/answer.ts';
import { readFileSync } from 'node:fs';

export const rule = (): string => answer + readFileSync('rule', 'utf8');
