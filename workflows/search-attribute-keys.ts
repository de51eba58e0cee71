import { defineSearchAttributeKey } from '@temporalio/common';
import { searchAttributes } from '../src/contracts/workflow-ids.ts';

export const bookingStatusAttribute = defineSearchAttributeKey(searchAttributes.bookingStatus, 'KEYWORD');
