import { notificationConsumer } from './notification-consumer.ts';
import { exitWithRelay, runRelayProcess } from './relay-process.ts';

exitWithRelay(runRelayProcess((db) => [notificationConsumer(db)]));
