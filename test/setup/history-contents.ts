/** Of a history as `temporal workflow show --output json` prints it, what it tells of the code that wrote it. */
export interface HistoryContents {
  readonly workflowType: string;
  /** Asked for, in the worker itself or as tasks. */
  readonly activities: readonly string[];
  readonly updates: readonly string[];
  readonly signals: readonly string[];
  readonly patches: readonly string[];
}

interface Payload {
  readonly data: string;
}

interface PrintedEvent {
  readonly workflowExecutionStartedEventAttributes?: { readonly workflowType: { readonly name: string } };
  readonly activityTaskScheduledEventAttributes?: { readonly activityType: { readonly name: string } };
  readonly workflowExecutionUpdateAcceptedEventAttributes?: {
    readonly acceptedRequest?: { readonly input: { readonly name: string } };
  };
  readonly workflowExecutionSignaledEventAttributes?: { readonly signalName: string };
  readonly markerRecordedEventAttributes?: {
    readonly markerName: string;
    readonly details: Readonly<Record<string, { readonly payloads: readonly Payload[] }>>;
  };
}

export function historyContents(json: string): HistoryContents {
  const { events } = JSON.parse(json) as { events: readonly PrintedEvent[] };
  const markers = events.flatMap((event) => event.markerRecordedEventAttributes ?? []);
  const marked = <Value>(markerName: string, detail: string): Value[] =>
    markers.filter((marker) => marker.markerName === markerName).map(({ details }) => decoded<Value>(details[detail]!));
  return {
    workflowType: events[0]!.workflowExecutionStartedEventAttributes!.workflowType.name,
    activities: [
      ...events.flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType.name ?? []),
      ...marked<{ activity_type: string }>('core_local_activity', 'data').map((each) => each.activity_type),
    ],
    updates: events.flatMap(
      (event) => event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input.name ?? [],
    ),
    signals: events.flatMap((event) => event.workflowExecutionSignaledEventAttributes?.signalName ?? []),
    patches: marked<{ id: string }>('core_patch', 'patch-data').map(({ id }) => id),
  };
}

const decoded = <Value>({ payloads }: { readonly payloads: readonly Payload[] }): Value =>
  JSON.parse(Buffer.from(payloads[0]!.data, 'base64').toString()) as Value;
