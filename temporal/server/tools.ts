/** A program that Seatkeeper runs and does not contain, and where it comes from when it is not there. */
export interface Tool {
  /** Names its folder in the cache and its lines in the log. */
  readonly name: string;
  /** Pinned: every machine builds the same. */
  readonly version: string;
  /** Go package of the program, and what `go install` calls the binary: the last part of its path. */
  readonly goPackage: string;
  readonly goBinary: string;
  /** Environment variable that names a binary to use instead. */
  readonly override: string;
}

/** The last version whose module can be installed from outside: later ones carry a local `replace`. */
export const temporalCli: Tool = {
  name: 'temporal',
  version: '1.5.1',
  goPackage: 'github.com/temporalio/cli/cmd/temporal',
  goBinary: 'temporal',
  override: 'TEMPORAL_CLI',
};

/** The newest versions that Go 1.26 builds. */
export const temporalServer: Tool = {
  name: 'temporal-server',
  version: '1.32.1',
  goPackage: 'go.temporal.io/server/cmd/server',
  goBinary: 'server',
  override: 'TEMPORAL_SERVER_BIN',
};
export const temporalSqlTool: Tool = {
  name: 'temporal-sql-tool',
  version: '1.32.1',
  goPackage: 'go.temporal.io/server/cmd/tools/sql',
  goBinary: 'sql',
  override: 'TEMPORAL_SQL_TOOL_BIN',
};
export const temporalUiServer: Tool = {
  name: 'temporal-ui-server',
  version: '2.54.1',
  goPackage: 'github.com/temporalio/ui-server/v2/cmd/server',
  goBinary: 'server',
  override: 'TEMPORAL_UI_SERVER_BIN',
};
