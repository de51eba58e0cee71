import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What `temporal --version` of a CLI with that server prints. */
export const cliVersionLine = (server: string): string => `temporal version 1.5.1 (Server ${server}, UI 2.42.1)`;

/** Puts a small executable into a folder; `script` is for /bin/sh and finds no commands on its PATH. */
export async function executable(file: string, script: string): Promise<string> {
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

/**
 * A `go` that "builds" any package into GOBIN: a script that prints `versionLine`. It notes each install, and while
 * the file `hold` is there, it waits for a process that it has started, as it waits for compilers.
 */
export async function fakeGo(folder: string, versionLine: string) {
  const journal = join(folder, 'installs');
  const hold = join(folder, 'hold');
  await executable(
    join(folder, 'go'),
    `[ "$1" = version ] && exit 0
echo "$3" >> ${journal}
( while [ -e ${hold} ]; do /bin/sleep 0.05; done ) &
wait
name="\${3%@*}"; name="\${name##*/}"
printf '#!/bin/sh\\necho "%s"\\n' '${versionLine}' > "$GOBIN/$name"
/bin/chmod 755 "$GOBIN/$name"`,
  );
  const installs = async () => (await readFile(journal, 'utf8').catch(() => '')).split('\n').filter(Boolean);
  return { installs, hold };
}
