/** What both profiles set differently from the server as found, by the server's own names. */
export const dynamicConfig: Readonly<Record<string, number | boolean | string>> = {
  // One partition per task queue: a second one only adds forwarding between partitions until thousands of tasks a
  // second wait in one queue.
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
  // Tasks that wait are given out in turn among the shows, by the key that bookings are started with.
  'matching.enableFairness': true,

  // Calls and rows a second that a shared cluster grants one tenant. Here they would be silent brakes: 64 buyers at
  // full speed come near the frontend's 2,400 calls. Four times what two cores can do.
  'frontend.rps': 10_000,
  'frontend.namespaceRPS': 10_000,
  'frontend.namespaceRPS.visibility': 100,
  'frontend.persistenceMaxQPS': 10_000,
  'history.rps': 20_000,
  'history.persistenceMaxQPS': 45_000,
  'matching.rps': 10_000,
  'matching.persistenceMaxQPS': 20_000,

  // States of workflows that the server keeps in memory, some 17 KB each. As found 128,000: those of 50,000 open bookings filled
  // its memory limit, and Go's collector then took whatever the machine had (docs/decisions/0010). Buyers who pay at once find theirs.
  'history.hostLevelCacheMaxSize': 8_192,

  // Nothing is kept outside of histories, and to look through every payload for it was 4 % of the server's CPU time.
  'history.externalPayloadsEnabled': false,

  // A client that stands still (stopped, frozen, cut off) leaves its polls open, and each takes a task that nobody does
  // before its time-out. The server asks a silent connection after three seconds, not sixty, and closes it three seconds
  // later: a round trip, and room for a process that is very busy.
  'frontend.keepAliveTime': '3s',
  'frontend.keepAliveTimeout': '3s',
};

/** The same as arguments of the command line, whose values are JSON. */
export const dynamicConfigArguments = (
  values: Readonly<Record<string, number | boolean | string>> = dynamicConfig,
): string[] =>
  Object.entries(values).flatMap(([name, value]) => ['--dynamic-config-value', `${name}=${JSON.stringify(value)}`]);
