import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import { searchAttributes } from '../src/contracts/workflow-ids.ts';
import type { NewBooking } from '../src/domain/booking.ts';

export const showAttribute = defineSearchAttributeKey(searchAttributes.showId, 'KEYWORD');
export const bookingStatusAttribute = defineSearchAttributeKey(searchAttributes.bookingStatus, 'KEYWORD');
const userAttribute = defineSearchAttributeKey(searchAttributes.userId, 'KEYWORD');
const cityAttribute = defineSearchAttributeKey(searchAttributes.cityId, 'KEYWORD');

/** What operators find a booking's workflows by, its successors included. */
export const bookingAttributes = ({ showId, userId, cityId }: NewBooking): SearchAttributePair[] => [
  { key: showAttribute, value: showId },
  { key: userAttribute, value: userId },
  { key: cityAttribute, value: cityId },
];
