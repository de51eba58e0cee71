export function ensureDependencies(options: {
  readonly root: string;
  readonly say: (line: string) => void;
}): Promise<void>;
