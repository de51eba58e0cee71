import { type Context, log } from '@temporalio/activity';
import type { ActivityInterceptors } from '@temporalio/worker';

/** With the activities' retry intervals a quarter of a minute to a minute: past a restart of whatever they wait for. */
const ALERT_AFTER_ATTEMPTS = 6;

/** An activity that keeps failing is told to operators, at each further try: nothing stays stuck unheard. */
export const stuckActivityAlert = ({ info }: Context): ActivityInterceptors => ({
  inbound: {
    async execute(input, next) {
      try {
        return await next(input);
      } catch (error) {
        const { attempt, activityType, workflowExecution } = info;
        if (attempt >= ALERT_AFTER_ATTEMPTS) {
          log.error('an activity keeps failing', {
            alert: 'activity_stuck',
            attempt,
            activityType,
            workflowExecution,
            error,
          });
        }
        throw error;
      }
    },
  },
});
