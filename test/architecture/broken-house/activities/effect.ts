export const effect = (): number => 1;
