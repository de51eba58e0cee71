import { effect } from '../activities/effect.ts';

export const order = (): number => effect();
