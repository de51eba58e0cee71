import { type Context, log } from '@temporalio/activity';
import type { ActivityInterceptors } from '@temporalio/worker';
import { STUCK_AFTER_TRIES } from '../src/contracts/workflow-ids.ts';

/** An activity that keeps failing is told to operators, again and again: nothing stays stuck unheard. */
export const stuckActivityAlert = ({ info }: Context): ActivityInterceptors => ({
  inbound: {
    async execute(input, next) {
      try {
        return await next(input);
      } catch (error) {
        const { attempt, activityType, workflowExecution } = info;
        if (attempt >= STUCK_AFTER_TRIES) {
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
